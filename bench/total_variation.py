"""Total variation by iteratively reweighted least squares (Charbonnier et al. 1997), in space and along time.

    minimise  ‖A x − y‖²/s² + (1/σ_g) Σ |∇x| + (1/σ_m) Σ_d Σ_n |x_n − W(x_{n+d})|

|∇x| is taken over both directions and all colours together; |·| is √(1 + (·/κ)²) − 1 times κ. Each round solves the
quadratic that touches it from above, with motion, where there is any, estimated again from the last result.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from bench.tasks import Measurement
from oneseed.differences import slopes
from oneseed.least_squares import Terms, solve
from oneseed.recipe import Recipe
from oneseed.shapes import Frames
from oneseed.warp import Estimate, Link, pairs, tie

KAPPA = 0.004  # a tenth of the contrast of a weak edge
STEPS = 25


@dataclass(frozen=True)
class Strengths:
    """Usual size of what each term leaves, on the [0, 1] scale."""

    slope: float
    """σ_g."""
    change: float
    """σ_m."""
    reach: int = 2
    """Frames ahead and behind that each is compared with."""
    rounds: int = 6


def restore(given: Measurement, estimate: Estimate, strengths: Strengths) -> tuple[Frames, int]:
    """The result, and the steps of conjugate gradients that it took."""
    noise = Recipe().noise(given.noise)
    x = torch.zeros(given.shape, device=given.y.device)
    x = solve(given.y, given.degrade, x, Terms(noise=noise, gradient_sd=0.2), 2 * STEPS)
    both_ways = [sign * step for step in range(1, strengths.reach + 1) for sign in (1, -1)]
    for _ in range(strengths.rounds):
        terms = Terms(
            noise=noise, gradient_sd=(KAPPA * strengths.slope) ** 0.5, edges=_edges(x),
            motion_sd=(KAPPA * strengths.change) ** 0.5, links=_links(x, estimate, both_ways),
        )  # fmt: skip
        x = solve(given.y, given.degrade, x, terms, STEPS)
    return x, (2 + strengths.rounds) * STEPS


def _edges(x: Frames) -> list[torch.Tensor]:
    """κ/√(κ² + |∇x|²) for the differences to the right and down; no bends."""
    right, down = slopes(x)
    size = torch.zeros_like(x[:, :1])
    size[..., :-1] += right.square().sum(1, keepdim=True)
    size[..., :-1, :] += down.square().sum(1, keepdim=True)
    weight = 1 / (1 + size / KAPPA**2).sqrt()
    none = torch.zeros_like(weight)
    return [weight[..., :-1], weight[..., :-1, :], none[..., :-2], none[..., :-2, :]]


def _links(x: Frames, estimate: Estimate, steps: Iterable[int]) -> list[Link]:
    """κ/√(κ² + e²) where the motion sees a pixel, e what it leaves unexplained there, over all colours."""
    links = []
    for step, warp, seen in tie(x, steps, estimate, "cubic"):
        here, there = pairs(x, step)
        error = (here - warp(there)).square().sum(1, keepdim=True)
        links.append(Link(step, warp, seen / (1 + error / KAPPA**2).sqrt()))
    return links
