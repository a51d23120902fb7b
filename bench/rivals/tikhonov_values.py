"""Least squares with ‖x - mean(y)‖² as the prior, its weight by the discrepancy rule (Tikhonov on the values)."""

import torch

from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from bench.weights import by_discrepancy, grid
from bench.weights import by_truth as nearest
from oneseed.least_squares import Terms, solve
from oneseed.shapes import Frames

FAMILY: Family = "least squares"
STEPS = 40


def restore(given: Measurement) -> Restored:
    return Restored(by_discrepancy(given, lambda weight: _solved(given, weight)), STEPS)


def by_truth(given: Measurement, reference: Frames) -> Restored:
    x, _ = nearest((_solved(given, weight) for weight in grid(given.noise)), reference)
    return Restored(x, STEPS)


def _solved(given: Measurement, weight: float) -> Frames:
    grey = torch.full(given.shape, given.y.mean().item(), device=given.y.device)
    terms = Terms(noise=weight**0.5, near=grey, near_sd=1.0)
    return solve(given.y, given.degrade, grey, terms, STEPS)
