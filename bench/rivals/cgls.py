"""Least squares by conjugate gradients with the exact adjoint, stopped when the measurements are met to within their noise."""

from collections.abc import Iterator

import torch

from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from bench.weights import by_truth as nearest
from bench.weights import gap
from oneseed.least_squares import Terms, iterates
from oneseed.shapes import Frames

FAMILY: Family = "least squares"
STEPS = 100


def restore(given: Measurement) -> Restored:
    x, steps = torch.zeros(given.shape, device=given.y.device), 0
    for steps, x in enumerate(_steps(given), start=1):  # noqa: B007
        if gap(given, x) <= given.noise:
            break
    return Restored(x, steps)


def by_truth(given: Measurement, reference: Frames) -> Restored:
    return Restored(*nearest(_steps(given), reference))


def _steps(given: Measurement) -> Iterator[Frames]:
    data_alone = Terms(noise=given.noise)
    return iterates(
        given.y, given.degrade, torch.zeros(given.shape, device=given.y.device), data_alone, STEPS, tolerance=0.0
    )
