"""What a person sees while something runs: a live bar, a table of scores."""

import math
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from oneseed.errors import InterruptedRunError
from oneseed.pieces import Piece
from oneseed.recipe import Recipe
from oneseed.restore import Epoch
from oneseed.score import Score
from oneseed.shapes import Frames


class Live:
    """A bar with epoch, losses and the time left; the first Ctrl-C asks the run to end, the second ends it at once."""

    def __init__(
        self, recipe: Recipe, reference: Path | None, frames: str | None, size: str | None, minutes: float | None
    ):
        self.console = Console(stderr=True)
        self.reference = None
        if reference is not None:
            from oneseed.clip.read import survey

            self.reference = survey(reference, frames, size).frames
        self.pieces: Sequence[Piece] = ()
        self.at, self.clean = "", None
        self.recipe, self.warm = recipe, False
        self.asked = self.begun = False
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[figures]}"), TimeElapsedColumn(), TimeRemainingColumn(), console=self.console,
        )  # fmt: skip
        self.task = self.bar.add_task("start", total=_total(recipe), figures="")

    def __enter__(self) -> "Live":
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def begin(self, pieces: Sequence[Piece], warm: bool) -> None:
        self.pieces, self.warm = pieces, warm
        self.bar.start()
        self.begun = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.begun:
            self.bar.stop()
        signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise InterruptedRunError("interrupted; what is done so far is kept. Give the same command again to go on.")
        self.asked = True
        self.console.print("ending after this epoch; once more to end now and keep what is done")

    def stopped(self) -> bool:
        return self.asked

    def show(self, epoch: Epoch, piece: Piece) -> None:
        if piece.name != self.at:
            self.at, self.clean = piece.name, self._clean(piece)
        figures = f"data {math.sqrt(epoch.data_loss):.5f}"
        if epoch.held_out is not None:
            figures += f"  held out {math.sqrt(epoch.held_out):.5f}"
        if epoch.warp_loss:
            figures += f"  warp {epoch.warp_loss:.2e}  visible {epoch.visible_share:.0%}"
        if self.clean is not None:
            from oneseed.metrics.psnr import psnr

            figures += f"  PSNR {psnr(epoch.x.cpu().clamp(0, 1), self.clean).mean().item():.2f} dB"
        of = f"{[other.name for other in self.pieces].index(piece.name) + 1}/{len(self.pieces)} " * (
            len(self.pieces) > 1
        )
        total = _total(self.recipe.warm() if self.warm and piece.after else self.recipe)
        self.bar.update(
            self.task, completed=min(epoch.number, total), total=total, description=of + epoch.phase, figures=figures
        )

    def heard(self, done: int, notes: Sequence[Mapping[str, Any]]) -> None:
        """Pieces that others have done and are at."""
        at = ", ".join(f"{note['piece']} {note['phase']} {note['number']}" for note in notes)
        self.bar.update(self.task, completed=done, total=len(self.pieces), description="pieces", figures=at)

    def _clean(self, piece: Piece) -> Frames | None:
        """What the reference shows there, if it is of the same size."""
        if self.reference is None or not self.pieces:
            return None
        last, bottom, right = (max(place) for place in zip(*(other.box[1::2] for other in self.pieces), strict=True))
        if self.reference.shape != (last, 3, bottom, right):
            return None
        return piece.box.of(self.reference)


def _total(recipe: Recipe) -> int:
    """Epochs of one piece, or one step where there are none."""
    fit = recipe.fit_epochs if recipe.start == "least-squares" else 0
    return recipe.epochs + fit if recipe.epochs else 1


def print_score(score: Score) -> None:
    """One row of means, and the notes."""
    shown = ("psnr", "ssim", "lpips_alex", "lpips_vgg", "we_self", "we_gt", "we_reference")
    values = {name: getattr(score, name) for name in shown}
    table = Table("frames", *(name for name, value in values.items() if value is not None))
    table.add_row(str(score.frames), *(f"{value:.4g}" for value in values.values() if value is not None))
    console = Console()
    console.print(table)
    for note in score.notes:
        console.print(note, highlight=False)


def watch_training(
    source: Path,
    output: Path,
    perceptual: Path | None,
    validation: Path | None,
    steps: Mapping[str, int | None],
    licences: str,
    seed: int,
    device: str,
    begin: str | None,
) -> None:
    """Train a prior with a bar for each network, and a line of figures now and then.

    Args:
        steps: of each network of the plan, None for the usual.
    """
    from dataclasses import replace

    from oneseed.device import choose_device
    from oneseed.train.tiny import Plan, train_tiny

    plan = Plan()
    for name, count in steps.items():
        part = getattr(plan, name)
        part = replace(part, seed=seed, steps=part.steps if count is None else count)
        plan = replace(plan, **{name: part})
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
        TextColumn("loss {task.fields[loss]:.4f}"), TimeRemainingColumn(), console=Console(stderr=True),
    ) as bar:  # fmt: skip
        tasks: dict[str, object] = {}
        for at in train_tiny(source, output, plan, perceptual, validation, choose_device(device), licences, begin):
            task = tasks.get(at.network)
            if task is None:
                task = tasks[at.network] = bar.add_task(at.network, total=at.steps, loss=at.loss)
            bar.update(task, completed=at.step, loss=at.loss)  # type: ignore[arg-type]
            if at.figures:
                figures = ", ".join(f"{name} {value}" for name, value in at.figures.items())
                bar.console.print(f"{at.network}, step {at.step}: {figures}; pictures in {output / 'progress'}")
