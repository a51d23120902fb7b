"""The command line: parses, calls, prints. No tensor is touched here, and torch is not loaded before it is needed."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from oneseed import cli_prior
from oneseed.cli_json import check_json, write_json
from oneseed.errors import DivergedError, InterruptedRunError, RequestError, RunError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Restore degraded video without training.",
)

app.command()(cli_prior.train)
app.command()(cli_prior.sample)

Lpips = Literal["alex", "vgg", "both", "none"]

Input = Annotated[Path, typer.Argument(metavar="INPUT", help="A video file, or a folder of images in natural order.")]
Output = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="A video file by its ending; without one, a folder of PNG.")
]
Specs = Annotated[
    list[str] | None,
    typer.Option(
        "-d", "--degradation", metavar="SPEC", help="NAME[:key=value,...]; the first is nearest to the clean video."
    ),
]
FrameRange = Annotated[str | None, typer.Option("--frames", metavar="A:B", help="Only frames A to B - 1.")]
Size = Annotated[
    str | None, typer.Option("--size", metavar="S|WxH", help="S: centre square, resized to S x S. WxH: resized.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to FILE as one JSON object.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change one field of the recipe. May be repeated."),
]


@app.command()
def restore(
    source: Input,
    target: Output,
    specs: Specs = None,
    noise: Annotated[float | None, typer.Option(help="Standard deviation of the noise, on the [0, 1] scale.")] = None,
    prior: Annotated[
        str, typer.Option(metavar="NAME|PATH|HUB_ID", help="The image model: tiny, a folder, a file, or owner/name.")
    ] = "tiny",
    decoder: Annotated[
        str | None, typer.Option(metavar="PATH|HUB_ID", help="Another decoder for a Stable Diffusion checkpoint.")
    ] = None,
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="What is seen, for a Stable Diffusion checkpoint.")] = "",
    guidance: Annotated[float, typer.Option(help="How far the prompt is exaggerated; 1 is not at all.")] = 1.0,
    denoiser: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="What takes noise off; the prior's own if it has one.")
    ] = None,
    preset: Annotated[str, typer.Option(help="draft, balanced, best or paper.")] = "balanced",
    changes: Changes = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of the search; overrides the preset's.")] = None,
    minutes: Annotated[float | None, typer.Option(help="End the search after so many minutes.")] = None,
    flow: Annotated[str, typer.Option(metavar="NAME", help="What estimates motion.")] = "dis",
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to run.")] = "auto",
    seed: Annotated[int | None, typer.Option(help="Draws the seed that the search begins at.")] = None,
    frames: FrameRange = None,
    size: Size = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="CLEAN", help="Show the PSNR against this clip meanwhile. Influences nothing."),
    ] = None,
    window: Annotated[
        str, typer.Option(metavar="N|all|auto", help="Frames restored at once: 16, or fewer where memory is short.")
    ] = "auto",
    overlap: Annotated[int | None, typer.Option(min=0, help="Frames that neighbouring windows share.")] = None,
    tile: Annotated[
        str, typer.Option(metavar="S|WxH|all|auto", help="Pixels restored at once: as many as memory allows.")
    ] = "auto",
    tile_overlap: Annotated[int | None, typer.Option(min=0, help="Pixels that neighbouring tiles share.")] = None,
    cuts: Annotated[
        str, typer.Option(metavar="auto|none|N,N,...", help="First frames of new shots: no window crosses one.")
    ] = "auto",
    work: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where what is done so far is kept; OUTPUT.oneseed otherwise.")
    ] = None,
    keep_work: Annotated[bool, typer.Option("--keep-work", help="Do not delete it in the end.")] = False,
    json: Json = None,
    lossless: Annotated[bool, typer.Option("--lossless", help="Write .mkv as FFV1: what is to be measured.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Restore INPUT into OUTPUT. Without -d, the sidecar that `oneseed degrade` wrote says what happened.

    Long clips and large frames are restored in pieces. Whatever ended the run, the same command goes on with it.
    """
    from oneseed.pipeline import restore_file
    from oneseed.presets import preset as named
    from oneseed.progress import Live

    asked = dict(_field(change) for change in changes or [])
    asked |= {name: value for name, value in (("epochs", epochs), ("seed", seed)) if value is not None}
    recipe = named(preset).but(asked)
    if minutes is not None and not minutes > 0:
        raise RequestError(f"--minutes {minutes}; needed is a positive number. Leave it out for no limit.")
    check_json(json, overwrite)
    with Live(recipe, reference, frames, size, minutes) as live:
        done = restore_file(
            source, target, recipe, specs=specs or [], noise=noise, prior=prior, decoder=decoder, prompt=prompt,
            guidance=guidance, denoiser=denoiser, flow=flow, device=device, frames=frames, size=size, window=window,
            overlap=overlap, tile=tile, tile_overlap=tile_overlap, cuts=cuts, minutes=minutes, lossless=lossless,
            overwrite=overwrite, work=work, keep_work=keep_work, begin=live.begin, watch=live.show, stop=live.stopped,
        )  # fmt: skip
    write_json(json, done.as_dict())
    typer.echo(f"{done.written.path}: {done.frames} frames in {done.seconds:.0f} s, sound: {done.written.sound}")
    if done.diverged:
        raise DivergedError(f"{done.diverged}; {target} holds the last good frames", None)
    if done.interrupted:
        raise typer.Exit(130)


@app.command()
def degrade(
    source: Input,
    target: Output,
    specs: Specs = None,
    noise: Annotated[float, typer.Option(help="Standard deviation of Gaussian noise, on the [0, 1] scale.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Draws the noise.")] = 0,
    frames: FrameRange = None,
    size: Size = None,
    bits: Annotated[
        Literal["8", "16"] | None, typer.Option(help="Bits per colour of what is written; 16 where that is possible.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Degrade INPUT into OUTPUT, and describe how beside it, exactly."""
    from oneseed.pipeline import degrade_file

    depth: Literal[8, 16] | None = {"8": 8, "16": 16, None: None}[bits]  # type: ignore[assignment]
    done = degrade_file(
        source, target, specs or [], noise=noise, seed=seed, frames=frames, size=size, bits=depth, overwrite=overwrite
    )
    typer.echo(f"{done.path}: {done.codec}, sound: {done.sound}")


@app.command()
def score(
    result: Annotated[Path, typer.Argument(metavar="RESULT")],
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE")],
    frames: FrameRange = None,
    size: Size = None,
    lpips: Annotated[Lpips, typer.Option(help="Which backbone to measure with.")] = "alex",
    weights: Annotated[Path | None, typer.Option(help="Folder of the LPIPS weights.")] = None,
    json: Json = None,
    overwrite: Overwrite = False,
) -> None:
    """Score RESULT against REFERENCE; --frames and --size are applied to the reference."""
    from oneseed.pipeline import score_files
    from oneseed.progress import print_score

    check_json(json, overwrite)
    measured = score_files(result, reference, frames=frames, size=size, lpips=lpips, weights=weights)
    print_score(measured)
    write_json(json, measured.as_dict())


@app.command()
def choices(room: Annotated[str | None, typer.Argument(metavar="[ROOM]")] = None) -> None:
    """List what can be swapped, with one line each."""
    from oneseed import registry

    for place in [room] if room else registry.ROOMS:
        typer.echo(f"{place}:" if not room else "", nl=not room)
        for name in registry.choices(place):
            typer.echo(f"  {name:<16}{registry.summary(place, name)}")


@app.command()
def doctor() -> None:
    """Say what this machine can run, what is missing, and the command that mends it."""
    from oneseed.doctor import examine

    for line in examine():
        typer.echo(line)


def _field(change: str) -> tuple[str, str]:
    name, sign, value = change.partition("=")
    if not sign:
        raise RequestError(f"--set {change}; needed is FIELD=VALUE. Write --set {change}=..., say.")
    return name.strip().replace("-", "_"), value.strip()


def main() -> None:
    """Run, and turn what goes wrong into one line and an exit code: 2 the request, 1 the run, 130 interrupted."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages: PyTorch looks at its first large tensor
    try:
        code = app(standalone_mode=False)
    except RequestError as error:
        code = _complain(str(error), 2)
    except InterruptedRunError as error:
        code = _complain(str(error), 130)
    except (DivergedError, RunError) as error:
        code = _complain(str(error), 1)
    except KeyboardInterrupt:
        code = _complain("interrupted", 130)
    except Exception as error:
        exit_code: int | None = getattr(error, "exit_code", None)  # the command line's own: an unknown option, say
        if exit_code is None:
            raise
        message = error.format_message() if hasattr(error, "format_message") else ""  # type: ignore[attr-defined]
        code = _complain(message, exit_code) if message else exit_code
    sys.exit(code or 0)


def _complain(message: str, code: int) -> int:
    typer.echo(f"oneseed: {message}", err=True)
    return code


if __name__ == "__main__":
    main()
