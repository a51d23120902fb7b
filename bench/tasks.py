"""The five tasks, as the paper sets them, with and without noise: what was measured, of which clip."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.shapes import Frames, Measured


@dataclass(frozen=True)
class Task:
    """A degradation and the noise after it (standard deviation on the [0, 1] scale)."""

    degrade: Callable[[], Degradation]
    noise: float = 0.0


TASKS = {
    "mask": Task(lambda: Mask(missing=0.5)),
    "downsample": Task(lambda: Downsample(factor=4)),
    "motion-blur+noise": Task(lambda: MotionBlur(), 0.02),
    "temporal-blur+noise": Task(lambda: TemporalBlur(), 0.02),
    "both+noise": Task(lambda: TemporalBlur().then(MotionBlur()), 0.02),
    "motion-blur": Task(lambda: MotionBlur()),
    "temporal-blur": Task(lambda: TemporalBlur()),
    "both": Task(lambda: TemporalBlur().then(MotionBlur())),
}
SEED = 1  # of the noise


@dataclass(frozen=True)
class Measurement:
    """All that a method is given; `reference` is for oracles alone."""

    y: Measured
    degrade: Degradation
    noise: float
    reference: Frames


def measure(reference: Frames, task: Task) -> Measurement:
    """Degrade a clean clip as the task says."""
    degrade = task.degrade()
    y = degrade(reference)
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(SEED))
    return Measurement(y + task.noise * noise, degrade, task.noise, reference)
