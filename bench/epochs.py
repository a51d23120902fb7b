"""`python -m bench.epochs FOLDER`: how a run gets better, epoch by epoch, as in the paper's Figure 3.

The clean clip is looked at for the curves alone; nothing of it reaches the run.
"""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from bench.clips import choose, clips
from bench.tasks import measure
from oneseed.clip.read import read
from oneseed.degrade.base import Degradation
from oneseed.device import choose_device
from oneseed.errors import RequestError
from oneseed.flow.dis import Dis
from oneseed.load import load_denoiser, load_prior
from oneseed.metrics.psnr import psnr
from oneseed.metrics.warping_error import WarpingError
from oneseed.presets import preset
from oneseed.recipe import Recipe
from oneseed.restore import optimise
from oneseed.shapes import Flow, Frames
from oneseed.warp import pairs

COLOURS = ("#0072b2", "#d55e00", "#009e73")  # Okabe and Ito's
TITLES = {"psnr": "PSNR (dB) ↑", "flow_difference": "flow difference (px) ↓", "we_self": "we_self (×100) ↓"}


@dataclass(frozen=True)
class Point:
    """One epoch beside the clean clip."""

    epoch: int
    phase: str
    psnr: float
    flow_difference: float
    """Mean end-point error of the motion seen in the video, DIS, against that seen in the clean clip."""
    we_self: float


def main(
    data: Annotated[Path, typer.Argument(help="DAVIS, REDS, SPMCS or UDM10 as unpacked, or a folder of clips.")],
    clip: Annotated[str, typer.Option(help="Its name; the first if empty.")] = "",
    task: Annotated[str, typer.Option(help="As for `python -m bench`.")] = "downsample",
    name: Annotated[str, typer.Option("--preset", help="Where the recipe starts.")] = "paper",
    changes: Annotated[str, typer.Option("--set", help="FIELD=VALUE,...: epochs=200,warp_from=100.")] = "",
    output: Annotated[
        Path, typer.Option(help="The plot, a .png, .svg or .pdf; a .csv of its numbers beside it.")
    ] = Path("runs/epochs.png"),
    frames: Annotated[str, typer.Option(help="A:B of the clip.")] = "0:8",
    size: str = "256",
    every: Annotated[int, typer.Option(help="Epochs between two looks.")] = 1,
    prior: Annotated[str, typer.Option(help="As `oneseed restore --prior`.")] = "tiny",
    device: str = "cpu",
) -> None:
    """PSNR, difference of motion and warping error over epochs, and where the warping loss begins."""
    try:
        source = choose(clips(data), clip)[0]
        recipe = preset(name).but(dict(change.split("=", 1) for change in changes.split(",")) if changes else {})
        place = choose_device(device)
        reference = read(source.path, frames, size).frames.to(place)
        points = list(curve(reference, task, recipe, prior, every))
    except (ValueError, RequestError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.with_suffix(".csv").open("w", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Point)])
        table.writeheader()
        table.writerows([asdict(point) for point in points])
    degrade = measure(reference[:1], task, prior).degrade
    title = f"{source.name}, {task}, {name} {changes}".rstrip()
    _plot(points, warping_begins(recipe, degrade), title, output)
    typer.echo(f"{len(points)} points in {output.with_suffix('.csv')}, plot: {output}", err=True)


def curve(reference: Frames, task: str, recipe: Recipe, prior: str, every: int = 1) -> Iterator[Point]:
    """A run on a clip that is degraded as the task says; the first epoch, every so many after it, and the end."""
    given, flow = measure(reference, task, prior), Dis()
    place = reference.device
    networks = load_prior(prior, place) if recipe.epochs else None
    denoiser = load_denoiser(None, prior, place) if recipe.denoises else None
    true_flow, error = flow.estimate(*pairs(reference, 1)), WarpingError(flow.estimate)
    for epoch in optimise(given.y, given.degrade, networks, flow, recipe, given.noise, denoiser=denoiser):
        if epoch.number % every and epoch.phase != "finish":
            continue
        x = epoch.x.clamp(0, 1)
        yield Point(
            epoch.number, epoch.phase, psnr(x, reference).mean().item(),
            _gap(flow.estimate(*pairs(x, 1)), true_flow), error(x, reference).nanmean().item(),
        )  # fmt: skip


def warping_begins(recipe: Recipe, degrade: Degradation) -> int | None:
    """The epoch, fitting counted, at which the warping loss starts to act."""
    if not recipe.epochs or not recipe.warp_weight:
        return None
    return recipe.warp_from + (recipe.fit_epochs if recipe.start == "least-squares" and degrade.linear else 0)


def _gap(found: Flow, true: Flow) -> float:
    return (found - true).norm(dim=1).mean().item()


def _plot(points: list[Point], begins: int | None, title: str, output: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6.5), layout="constrained")
    panels = figure.subplots(3, sharex=True)
    line = [point for point in points if point.phase in ("fit", "search")]
    for axes, (name, words), colour in zip(panels, TITLES.items(), COLOURS, strict=True):
        axes.plot([point.epoch for point in line], [getattr(point, name) for point in line], color=colour)
        for point in points:
            if point.phase in ("start", "finish"):
                face = colour if point.phase == "finish" else "none"
                axes.plot(point.epoch, getattr(point, name), "o", color=colour, markerfacecolor=face)
        axes.set_ylabel(words)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#888888", alpha=0.2)
        if begins is not None:
            axes.axvline(begins, color="#1b1b1c", linestyle=":", label="warping begins")
    if begins is not None:
        panels[0].legend(frameon=False, loc="lower right")
    panels[-1].set_xlabel("epoch (hollow: the start without the prior; filled: the result)")
    figure.align_ylabels()
    figure.suptitle(title, fontsize=10)
    figure.savefig(output, dpi=150)


if __name__ == "__main__":
    typer.run(main)
