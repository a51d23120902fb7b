"""What restores one piece after the other: networks and input are opened once, and all it needs is said in plain values."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import oneseed
from oneseed import registry, spec
from oneseed.box import Box, Shape
from oneseed.clip.clip import Clip
from oneseed.clip.read import require_source, survey
from oneseed.degrade.base import Degradation
from oneseed.device import choose_device, give_memory_back, peak_memory_mb
from oneseed.errors import DivergedError, InterruptedRunError, RequestError
from oneseed.journal import Journal
from oneseed.load import load_denoiser, load_prior
from oneseed.noise import require_noise, rounding_noise
from oneseed.pieces import Piece, measured_in
from oneseed.recipe import Recipe
from oneseed.restore import Epoch, optimise
from oneseed.shapes import Frames
from oneseed.sidecar import Description, read_sidecar


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be restored, and how, in plain values."""

    source: Path
    """A video file or a folder of images."""
    recipe: Recipe
    specs: tuple[str, ...] = ()
    """What happened to the clip; none: the sidecar beside `source` says so."""
    noise: float | None = None
    """Standard deviation on the [0, 1] scale; None: the sidecar's, or 0."""
    prior: str = "tiny"
    """As for `load_prior`, and so are `decoder`, `prompt` and `guidance`."""
    decoder: str | None = None
    prompt: str = ""
    guidance: float = 1.0
    denoiser: str | None = None
    """As for `load_denoiser`."""
    flow: str = "dis"
    """What estimates motion, by its name in the room `flow`."""
    device: str = "auto"
    """As for `choose_device`."""
    frames: str | None = None
    """As for `read`, and so is `size`."""
    size: str | None = None


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
        described = _described(task)
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
        self.prior = (
            load_prior(task.prior, self.place, decoder=task.decoder, prompt=task.prompt, guidance=task.guidance)
            if recipe.epochs
            else None
        )
        self.recipe = recipe.settled(self.prior, started=self.degrade.linear and recipe.start == "least-squares")
        self.denoiser = load_denoiser(task.denoiser, task.prior, self.place) if recipe.denoises else None
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
            "degradation": {"specs": spec.format(self.degrade), "drawn": _drawn(self.degrade), "noise": self.noise},
            "recipe": asdict(self.recipe),
            "networks": {
                "prior": task.prior, "decoder": task.decoder, "prompt": task.prompt, "guidance": task.guidance,
                "denoiser": task.denoiser, "flow": task.flow,
            },
            "place": {"frames": task.frames, "size": task.size},
        }  # fmt: skip


def fingerprint(source: Path) -> str:
    """Of a file its length and a hash of its beginning, middle and end; of a folder those of its files."""
    told = hashlib.sha256()
    for file in sorted(source.iterdir()) if source.is_dir() else [source]:
        if not file.is_file():
            continue
        length = file.stat().st_size
        told.update(f"{file.name} {length} ".encode())
        with file.open("rb") as opened:
            for place in sorted({0, max(length // 2 - _LOOK // 2, 0), max(length - _LOOK, 0)}):
                opened.seek(place)
                told.update(opened.read(_LOOK))
    return told.hexdigest()[:16]


_LOOK = 2**20


def _drawn(degrade: Degradation) -> str:
    """A hash of the masks and kernels that are there already; what is drawn from a seed is not."""
    told = hashlib.sha256()
    for part in degrade.parts():
        try:
            arrays = part.arrays()
        except RuntimeError:  # a mask that has met no frames yet
            continue
        for name, array in arrays.items():
            told.update(name.encode() + array.detach().cpu().contiguous().numpy().tobytes())
    return told.hexdigest()[:16]


def _described(task: Task) -> Description:
    """What the user said, or else what the sidecar says."""
    source, noise = task.source, task.noise
    if noise is not None:
        require_noise(noise)
    if task.specs:
        return Description(spec.parse_all(task.specs), noise or 0.0, None)
    require_source(source)
    described = read_sidecar(source)
    if described is None:
        raise RequestError(
            f"nothing says how {source} was degraded; needed is -d SPEC or a degradation.json beside it. "
            "Add -d downsample:factor=4, say; `oneseed choices degrade` lists what there is."
        )
    return described if noise is None else described._replace(noise=noise)
