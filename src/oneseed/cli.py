"""The command line: parses, calls, prints. No tensor is touched here, and torch is not loaded before it is needed."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from oneseed import cli_prior, cli_restore
from oneseed.cli_json import check_json, write_json
from oneseed.cli_options import FrameRange, Input, Json, Output, Overwrite, Size, Specs
from oneseed.errors import DivergedError, InterruptedRunError, RequestError, RunError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Restore degraded video without training.",
)

app.command()(cli_restore.restore)
app.command()(cli_prior.train)
app.command()(cli_prior.sample)

Lpips = Literal["alex", "vgg", "both", "none"]


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
    typer.echo(f"{done.path}: {done.codec}, {done.report}")


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
def status(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of a run: OUTPUT.oneseed, or what --work named.")],
    json: Json = None,
) -> None:
    """Say where a run stands and when it will end."""
    from oneseed.status import lines, read_status

    check_json(json, overwrite=True)
    found = read_status(folder)
    write_json(json, found.as_dict())
    for line in lines(found, folder):
        typer.echo(line)


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
