"""`python -m bench.until CLIPS`: quality against time, for the presets; and when each is as good as `paper` is in the end.

Every video that a run yields is scored, which no run sees, and the time of scoring is left out. Networks are loaded before,
and each preset has made a small run before, so that nothing is compiled meanwhile.
"""

import json
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer

from bench import clips
from bench.tasks import Measurement, measure
from oneseed.clip.read import read
from oneseed.flow.dis import Dis
from oneseed.load import load_denoiser, load_prior
from oneseed.metrics.psnr import psnr
from oneseed.presets import PRESETS
from oneseed.recipe import Recipe
from oneseed.restore import optimise
from oneseed.shapes import Frames

REFERENCE = "paper"


class Point(NamedTuple):
    """Of a run: seconds since it began, and the PSNR (dB) of its last video then."""

    seconds: float
    psnr: float


def course(given: Measurement, recipe: Recipe, reference: Frames) -> list[Point]:
    """All that a run shows."""
    prior = load_prior(given.prior) if recipe.epochs else None
    denoiser = load_denoiser(None, given.prior) if recipe.denoises else None
    points, began = [], time.perf_counter()
    for epoch in optimise(given.y, given.degrade, prior, Dis(), recipe, given.noise, denoiser=denoiser):
        seconds = time.perf_counter() - began
        points.append(Point(seconds, psnr(epoch.x.clamp(0, 1), reference).mean().item()))
        began = time.perf_counter() - seconds
    return points


def until(points: list[Point], quality: float) -> float | None:
    """Seconds after which the run shows so much for the first time; None: never."""
    return next((point.seconds for point in points if point.psnr >= quality), None)


def main(
    folder: Annotated[Path, typer.Argument(help="A folder of clips, as for `python -m bench`.")],
    names: Annotated[str, typer.Option("--clips", help="Which; all if none is named.")] = "",
    tasks: str = "mask downsample",
    presets: Annotated[str, typer.Option(help="Beside `paper`.")] = "draft balanced best",
    frames: str = "0:8",
    size: str = "256",
    epochs: Annotated[int, typer.Option(help="Of `paper`; 0: as many as it has.")] = 0,
    output: Annotated[Path | None, typer.Option("--json", help="File for all points.")] = None,
) -> None:
    """A line for each preset; `until` is the share of `paper`'s time after which it is as good as that is in the end."""
    changes = {"epochs": epochs, "warp_from": epochs // 2} if epochs else {}
    recipes = {REFERENCE: PRESETS[REFERENCE].but(changes)} | {name: PRESETS[name] for name in presets.split()}
    found: dict[str, list[Point]] = {}
    typer.echo("| clip, task | preset | seconds | PSNR (dB) | until (s) | until (share of paper's) |\n|" + " --- |" * 6)
    for clip in clips.choose(clips.clips(folder), names):
        reference = read(clip.path, frames, size).frames
        for task in tasks.split():
            given = measure(reference, task, "tiny")
            for name, recipe in recipes.items():
                _warm(given, recipe)
                points = found[f"{clip.name} {task} {name}"] = course(given, recipe, reference)
                aim = found[f"{clip.name} {task} {REFERENCE}"][-1]
                reached = until(points, aim.psnr)
                shown = "- | -" if reached is None else f"{reached:.1f} | {reached / aim.seconds:.3f}"
                last = points[-1]
                typer.echo(f"| {clip.name}, {task} | {name} | {last.seconds:.1f} | {last.psnr:.2f} | {shown} |")
                if output:
                    output.parent.mkdir(parents=True, exist_ok=True)
                    output.write_text(json.dumps(found))


def _warm(given: Measurement, recipe: Recipe) -> None:
    """What is compiled or set up once, on two frames."""
    small = recipe.but({"epochs": min(recipe.epochs, 1), "warp_from": 0})
    few = measure(torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)), "mask", given.prior)
    course(few, small, torch.zeros(2, 3, 64, 64))


if __name__ == "__main__":
    typer.run(main)
