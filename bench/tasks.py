"""The paper's five tasks, each measured exactly, rounded to 8 bits, or with noise: `mask`, `mask+8bits`, `mask+noise`."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.noise import rounding_noise
from oneseed.shapes import Frames, Measured

PROBLEMS: dict[str, Callable[[], Degradation]] = {
    "mask": lambda: Mask(missing=0.5),
    "downsample": lambda: Downsample(factor=4),
    "motion-blur": lambda: MotionBlur(),
    "temporal-blur": lambda: TemporalBlur(),
    "both": lambda: TemporalBlur().then(MotionBlur()),
}
TRACKS = ("", "+8bits", "+noise")
TASKS = [problem + track for track in TRACKS for problem in PROBLEMS]
NOISE = 0.02  # standard deviation on the [0, 1] scale
SEED = 1  # of the noise; masks and kernels draw from the seeds of their own degradations, 0


@dataclass(frozen=True)
class Measurement:
    """All that a method is given."""

    y: Measured
    degrade: Degradation
    noise: float
    """Standard deviation of what y has beside A x, on the [0, 1] scale; 0: it is exact."""
    prior: str = "tiny"
    """For methods that need one: what `oneseed.load.load_prior` takes."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the frames that are looked for."""
        n, c, h, w = self.y.shape
        return self.degrade.clean_shape((n, c, h, w))


def measure(reference: Frames, task: str, prior: str = "tiny") -> Measurement:
    """Degrade a clean clip as the task says, on the device where it is.

    Raises:
        ValueError: no such task.
    """
    if task not in TASKS:
        raise ValueError(f"no task {task!r}; there are {', '.join(TASKS)}")
    problem, _, track = task.partition("+")
    degrade = PROBLEMS[problem]().to(reference.device)
    y = degrade(reference)
    if track == "8bits":
        return Measurement((y.clamp(0, 1) * 255).round() / 255, degrade, rounding_noise(8), prior)
    if track == "noise":
        noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(SEED))
        return Measurement(y + NOISE * noise.to(y), degrade, NOISE, prior)
    return Measurement(y, degrade, 0.0, prior)
