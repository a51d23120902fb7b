"""Least squares by conjugate gradients with the exact adjoint, stopped at its best step by the ground truth."""

import torch

from bench.tasks import Measurement
from oneseed.least_squares import Terms, solve
from oneseed.metrics.psnr import psnr
from oneseed.shapes import Frames

ORACLE = True
STEPS = 100


def restore(given: Measurement) -> Frames | None:
    shape = given.reference.shape
    best, x = None, torch.zeros(shape)
    for x in iterates(given):
        if best is None or psnr(x, given.reference).mean() > psnr(best, given.reference).mean():
            best = x
    return best
