"""Least squares with ‖∇x‖² as the prior, at its best weight by the ground truth (Tikhonov on the gradients)."""

import torch

from bench.oracle import best, weights
from bench.tasks import Measurement
from oneseed.least_squares import Terms, solve
from oneseed.shapes import Frames

ORACLE = True
STEPS = 40


def restore(given: Measurement) -> Frames:
    black = torch.zeros_like(given.reference)
    terms = (Terms(noise=weight**0.5, gradient_sd=1.0) for weight in weights(given.noise))
    return best((solve(given.y, given.degrade, black, term, STEPS) for term in terms), given.reference)
