"""The command line's main part: to restore a clip."""

from pathlib import Path
from typing import Annotated

import typer

from oneseed.cli_json import check_json, write_json
from oneseed.cli_options import Codec, Crf, FrameRange, Input, Json, Output, Overwrite, PixelFormat, Size, Specs
from oneseed.errors import DivergedError, RequestError

Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change one field of the recipe. May be repeated."),
]


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
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that restore pieces at the same time, one GPU each.")
    ] = None,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Threads of each.")] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS|auto|local", help="Have a Ray cluster restore the pieces.")
    ] = None,
    warm_start: Annotated[
        bool | None,
        typer.Option(
            "--warm-start/--no-warm-start",
            help="A window begins with what the one before has learnt, and waits for it; usual where it would begin at noise.",
        ),
    ] = None,
    work: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where what is done so far is kept; OUTPUT.oneseed otherwise.")
    ] = None,
    keep_work: Annotated[bool, typer.Option("--keep-work", help="Do not delete it in the end.")] = False,
    json: Json = None,
    lossless: Annotated[bool, typer.Option("--lossless", help="Write .mkv as FFV1: what is to be measured.")] = False,
    codec: Codec = None,
    crf: Crf = None,
    pixel_format: PixelFormat = None,
    overwrite: Overwrite = False,
) -> None:
    """Restore INPUT into OUTPUT. Without -d, the sidecar that `oneseed degrade` wrote says what happened.

    INPUT may also be a folder of clips, or a .txt with one in a line; OUTPUT is then a folder.

    Long clips and large frames are restored in pieces. Whatever ended the run, the same command goes on with it.
    """
    from oneseed.clip.encoding import Encoding
    from oneseed.crew.choose import Crew
    from oneseed.many import clips_of, make_folder, passed_over, restore_many, summary, targets_of
    from oneseed.presets import preset as named
    from oneseed.progress import Live
    from oneseed.restore_file import restore_file
    from oneseed.restored import Restored
    from oneseed.sizing import Cutting
    from oneseed.task import Task

    asked = dict(_field(change) for change in changes or [])
    asked |= {name: value for name, value in (("epochs", epochs), ("seed", seed)) if value is not None}
    recipe = named(preset).but(asked)
    if minutes is not None and not minutes > 0:
        raise RequestError(f"--minutes {minutes}; needed is a positive number. Leave it out for no limit.")
    sources = clips_of(source)
    check_json(json, overwrite or sources is not None)
    task = Task(
        source=source, recipe=recipe, specs=tuple(specs or []), noise=noise, prior=prior, decoder=decoder,
        prompt=prompt, guidance=guidance, denoiser=denoiser, flow=flow, device=device, frames=frames, size=size,
    )  # fmt: skip
    cutting = Cutting(window=window, overlap=overlap, tile=tile, tile_overlap=tile_overlap, cuts=cuts)
    crew = Crew(workers=workers, threads=threads, ray=ray)
    if reference is not None and not crew.alone:
        raise RequestError("--reference with other workers, who do not see it; needed is one process. Leave one out.")
    encoding = Encoding(lossless=lossless, codec=codec, crf=crf, pixel_format=pixel_format)

    def one(task: Task, target: Path, work: Path | None = work) -> Restored:
        with Live(recipe, reference, frames, size, minutes) as live:
            return restore_file(
                task, target, cutting=cutting, crew=crew, warm_start=warm_start, minutes=minutes,
                encoding=encoding if sources is None or target.suffix else Encoding(),  # frames have none
                overwrite=overwrite, work=work, keep_work=keep_work, begin=live.begin, watch=live.show, heard=live.heard,
                stop=live.stopped,
            )  # fmt: skip

    if sources is None:
        done = one(task, target)
        write_json(json, done.as_dict())
        typer.echo(str(done))
        if done.diverged:
            raise DivergedError(f"{done.diverged}; {target} holds the last good frames", None)
        if done.interrupted:
            raise typer.Exit(130)
        return
    if reference is not None:
        raise RequestError(f"--reference with {len(sources)} clips; needed is one. Leave it out.")
    targets = targets_of(sources, target, lossless)
    make_folder(target, source)
    for name in passed_over(source, sources):
        typer.echo(f"{source / name}: passed over; neither a video nor a folder of frames alone")
    outcomes = restore_many(
        task,
        sources,
        targets,
        lambda task, target: one(task, target, work / target.name if work else None),
        lambda outcome: typer.echo(str(outcome)),
        overwrite,
    )
    write_json(json, {"clips": [outcome.as_dict() for outcome in outcomes]})
    typer.echo(summary(outcomes))
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def _field(change: str) -> tuple[str, str]:
    name, sign, value = change.partition("=")
    if not sign:
        raise RequestError(f"--set {change}; needed is FIELD=VALUE. Write --set {change}=..., say.")
    return name.strip().replace("-", "_"), value.strip()
