"""Least squares with ‖∇x‖² as the prior, its weight by the discrepancy rule (Tikhonov on the gradients)."""

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
    terms = Terms(noise=weight**0.5, gradient_sd=1.0)
    return solve(given.y, given.degrade, torch.zeros(given.shape, device=given.y.device), terms, STEPS)
