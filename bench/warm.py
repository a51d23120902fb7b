"""`python -m bench.warm CLIP`: what a window saves that begins with what the one before has learnt.

The second window of a clip, searched from noise and from the first one's seed and residuals: after how many epochs is the
second as far as the first is in the end?
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from bench.tasks import PROBLEMS
from oneseed.box import Box
from oneseed.clip.read import read
from oneseed.flow.dis import Dis
from oneseed.journal import Baton, Journal
from oneseed.load import load_prior
from oneseed.metrics.psnr import psnr
from oneseed.pieces import measured_in
from oneseed.presets import preset
from oneseed.recipe import Recipe
from oneseed.restore import optimise
from oneseed.shapes import Frames

WINDOW, OVERLAP = 16, 4


class Memory(Journal):
    """Hands on from window to window, without a file."""

    def __init__(self, baton: Baton | None = None):
        self.baton, self.learnt = baton, []

    def before(self) -> Baton | None:
        return self.baton

    def after(self, learnt: Sequence[Tensor]) -> None:
        self.learnt = [value.clone() for value in learnt]


@dataclass(frozen=True)
class Course:
    """Of one search: the PSNR (dB) and the data term after each epoch."""

    psnr: list[float]
    data: list[float]

    def first(self, other: "Course") -> tuple[int | None, int | None]:
        """Epochs until it is as good as `other` is in the end, by PSNR and by the data term."""
        by_psnr = next((n for n, value in enumerate(self.psnr) if value >= other.psnr[-1]), None)
        by_data = next((n for n, value in enumerate(self.data) if value <= other.data[-1]), None)
        return by_psnr, by_data


def main(
    clip: Annotated[Path, typer.Argument(help="A clip of 28 frames or more, as for `oneseed restore`.")],
    output: Annotated[Path | None, typer.Option("--json", help="File for the figures.")] = None,
    size: str = "128",
    epochs: int = 200,
    tasks: str = "downsample mask",
    settings: Annotated[str, typer.Option(help="FIELD=VALUE,... on top of `paper`.")] = "lr_residual=0.01",
) -> None:
    """For each task, both courses and where they meet."""
    changes = dict(change.split("=") for change in settings.split(",")) | {"epochs": epochs, "warp_from": epochs // 2}
    recipe, figures = preset("paper").but(changes), {}
    reference = read(clip, f"0:{2 * WINDOW - OVERLAP}", size).frames
    for task in tasks.split():
        first, second = Memory(), WINDOW - OVERLAP
        search(task, reference, 0, recipe, first)
        cold = search(task, reference, second, recipe, Memory())
        warm = search(task, reference, second, recipe, Memory(Baton(first.learnt, second)))
        whole = Memory(Baton(first.learnt, second))
        by_psnr, by_data = search(task, reference, second, recipe.but({"warm_share": 1.0}), whole).first(cold)
        figures[task] = {
            "cold": asdict(cold),
            "warm": asdict(warm),
            "epochs_by_psnr": by_psnr,
            "epochs_by_data": by_data,
        }
        typer.echo(
            f"{task}: cold {cold.psnr[-1]:.2f} dB after {epochs} epochs, warm {warm.psnr[-1]:.2f} after {len(warm.psnr) - 1}; "
            f"warm reaches the PSNR of cold after {by_psnr}, its data term after {by_data}"
        )
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(figures, indent=1))


def search(task: str, reference: Frames, begin: int, recipe: Recipe, journal: Memory) -> Course:
    """A window of the clip, from its frame number `begin`."""
    whole, A, course = reference.shape, PROBLEMS[task](), Course([], [])
    box = Box.all_of(whole)._replace(first=begin, last=begin + WINDOW)
    A, y = measured_in(A, whole, box, A.measured_box(box).of(A(reference)))
    truth = box.of(reference)
    for epoch in optimise(y, A, load_prior("tiny"), Dis(), recipe, journal=journal):
        course.psnr.append(psnr(epoch.x.clamp(0, 1), truth).mean().item())
        course.data.append(epoch.data_loss)
    return Course(course.psnr[:-1], course.data[:-1])  # the last is the same again, as a result


if __name__ == "__main__":
    torch.set_num_threads(1)
    typer.run(main)
