"""How strong a prior should be: by the noise level, as a user can, or by the ground truth, as no one can."""

import math
from collections.abc import Callable, Iterable

import torch

from bench.tasks import Measurement
from oneseed.shapes import Frames

HALVINGS = 7
LOWEST, HIGHEST = 1e-7, 1.0


def by_discrepancy(given: Measurement, solve: Callable[[float], Frames]) -> Frames:
    """The result of the largest weight that leaves the measurements no further than their noise (Morozov 1966).

    Args:
        solve: takes the weight of the prior beside data of weight 1.
    """
    low, high = math.log(LOWEST), math.log(HIGHEST)
    x = solve(LOWEST)
    if gap(given, x) > given.noise:
        return x  # exact measurements, or more noise than was said: the least prior there is
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        smoother = solve(math.exp(middle))
        if gap(given, smoother) <= given.noise:
            low, x = middle, smoother
        else:
            high = middle
    return x


def gap(given: Measurement, x: Frames) -> float:
    """Root mean square of A x - y."""
    return (given.degrade(x) - given.y).square().mean().sqrt().item()


def by_truth(candidates: Iterable[Frames], reference: Frames, patience: int = 15) -> tuple[Frames, int]:
    """The candidate of the least squared error, and its number, looked for until `patience` in a row are no better."""
    chosen, least, number = torch.zeros_like(reference), float("inf"), 0
    for k, x in enumerate(candidates, start=1):
        error = (x.clamp(0, 1) - reference).square().mean().item()
        if error < least:
            chosen, least, number = x, error, k
        elif k - number >= patience:
            break
    return chosen, number


def grid(noise: float) -> list[float]:
    """The weights of a quadratic prior, beside data of weight 1, among which the ground truth chooses."""
    return [1e-3, 3e-3, 1e-2, 3e-2, 1e-1] if noise > 0.01 else [1e-6, 1e-5, 1e-4, 1e-3]
