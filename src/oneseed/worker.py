"""What restores one piece after the other: networks and input are opened once, and all it needs is said in plain values."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import torch

import oneseed
from oneseed import registry, spec
from oneseed.box import Box, Shape
from oneseed.clip.clip import Clip
from oneseed.clip.read import survey
from oneseed.denoise.base import Denoiser
from oneseed.device import choose_device, give_memory_back, peak_memory_mb
from oneseed.errors import DivergedError, InterruptedRunError, RequestError
from oneseed.fingerprint import drawn, fingerprint, last_changed
from oneseed.journal import Journal
from oneseed.load import load_denoiser, load_prior
from oneseed.noise import rounding_noise
from oneseed.pieces import Piece, measured_in
from oneseed.prior.base import Prior
from oneseed.restore import Epoch, optimise
from oneseed.shapes import Frames
from oneseed.task import Task, described_by


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the restoration of a piece came to."""

    epochs: int
    seconds: float
    peak_memory_mb: float
    data_loss: float
    residual_rms: float
    visible_share: float
    interrupted: bool = False
    diverged: str | None = None
    """Why the piece failed, if it did; the last good frames are what was kept."""


class Worker:
    """A task with its input and its networks open.

    Args:
        clip: the input, if it was surveyed already.

    Raises:
        RequestError: the task cannot be carried out.
    """

    def __init__(self, task: Task, clip: Clip | None = None):
        self.task = task
        described = described_by(task)
        self.degrade, self.noise = described.degradation, described.noise
        self.clip = clip or survey(
            task.source, task.frames, task.size, described.rate if task.source.is_dir() else None
        )
        self.measured: Shape = self.clip.frames.shape
        self.whole = self.degrade.clean_shape(self.measured)
        self.degrade.measured_shape(self.whole)
        self.place = choose_device(task.device)
        give_memory_back()
        recipe = task.recipe
        changed = last_changed(task.prior), last_changed(task.decoder), last_changed(task.denoiser)
        self.prior = (
            _prior(task.prior, self.place, task.decoder, task.prompt, task.guidance, changed) if recipe.epochs else None
        )
        self.recipe = recipe.settled(self.prior, started=recipe.from_start(self.degrade.linear))
        self.denoiser = _denoiser(task.denoiser, task.prior, self.place, changed) if recipe.denoises else None
        self.names = {
            "prior": self.prior.name if self.prior else "none",
            "denoiser": self.denoiser.name if self.denoiser else "none",
        }
        self.flow = registry.find("flow", task.flow)()
        self.believed = math.hypot(self.noise, rounding_noise(self.clip.bits))  # rounding is noise too
        self.asked = self._asked()
        """All that the result depends on, in plain values: what must be the same for a run to go on."""

    def rest(self) -> None:
        """Let go of the networks: others do the work."""
        self.prior = self.denoiser = None
        _prior.cache_clear()
        _denoiser.cache_clear()
        if self.place.type == "cuda":
            torch.cuda.empty_cache()

    def can_be_cut(self) -> bool:
        """Whether the degradation says what it does to a piece of the clip, and leaves cuts to be seen."""
        try:
            self.degrade.local(self.whole, Box.all_of(self.whole))
        except RequestError:
            return False
        return self.degrade.temporal_reach == 0

    def restore(
        self,
        piece: Piece,
        watch: Callable[[Epoch], None] = lambda epoch: None,
        stop: Callable[[], bool] = lambda: False,
        *,
        late: float = math.inf,
        alone: bool = True,
        journal: Journal | None = None,
    ) -> tuple[Frames, Figures]:
        """One piece.

        Args:
            stop: asked after every epoch. A piece that is alone is then finished all the same.
            late: when the search ends, by `time.monotonic`.
            journal: as for `optimise`.

        Raises:
            DivergedError: the run left the numbers before there was anything to keep.
            InterruptedRunError: `stop` said so, and the piece is one of several.
        """
        began = time.monotonic()
        y = self.degrade.measured_box(piece.box).of(self.clip.frames).to(self.place)
        degrade, y = measured_in(self.degrade.to(self.place), self.whole, piece.box, y)
        last, asked, diverged = None, False, None

        def ends() -> bool:
            nonlocal asked
            asked = asked or stop()
            if asked and not alone:
                raise InterruptedRunError("interrupted")
            return asked or time.monotonic() > late

        run = optimise(
            y, degrade, self.prior, self.flow, self.recipe, self.believed, ends, self.denoiser, journal=journal
        )
        try:
            for epoch in run:
                last = epoch
                watch(epoch)
            assert last is not None
            result = last.x
        except DivergedError as error:
            if error.frames is None or last is None:
                raise
            result, diverged = error.frames, str(error)
        return result, Figures(
            epochs=last.number, seconds=time.monotonic() - began, peak_memory_mb=peak_memory_mb(self.place),
            data_loss=last.data_loss, residual_rms=last.residual_rms, visible_share=last.visible_share,
            interrupted=asked, diverged=diverged,
        )  # fmt: skip

    def _asked(self) -> dict[str, Any]:
        task = self.task
        return {
            "program": oneseed.__version__,
            "input": {
                "path": str(task.source.absolute()), "content": fingerprint(task.source), "shape": self.measured,
            },
            "degradation": {"specs": spec.format(self.degrade), "drawn": drawn(self.degrade), "noise": self.noise},
            "recipe": asdict(self.recipe),
            "networks": {
                "prior": task.prior, "decoder": task.decoder, "prompt": task.prompt, "guidance": task.guidance,
                "denoiser": task.denoiser, "flow": task.flow,
            },
            "place": {"frames": task.frames, "size": task.size},
        }  # fmt: skip


@lru_cache(maxsize=1)
def _prior(
    which: str, place: torch.device, decoder: str | None, prompt: str, guidance: float, changed: tuple[int, ...]
) -> Prior:
    """Kept for the next clip, unless its files have changed."""
    return load_prior(which, place, decoder=decoder, prompt=prompt, guidance=guidance)


@lru_cache(maxsize=1)
def _denoiser(which: str | None, prior: str, place: torch.device, changed: tuple[int, ...]) -> Denoiser:
    return load_denoiser(which, prior, place)
