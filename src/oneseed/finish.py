"""The end of a run: from a good video x onto all measurements. Not in the paper.

How strongly motion and smoothness should weigh differs from clip to clip. The measurements that x has not seen decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from oneseed.least_squares import Degrade, Terms, confident_links, edges, iterates, solve
from oneseed.sampling import Kernel
from oneseed.shapes import Frames, Measured
from oneseed.warp import Estimate, Link


def refine(
    y: Measured,
    degrade: Degrade,
    x: Frames,
    estimate: Estimate,
    *,
    seen: Measured,
    spread: float,
    noise: float,
    gradient_sd: float,
    contrast: float,
    colour: float,
    motion_sd: float,
    near_sd: float,
    reach: int,
    interpolation: Kernel,
    rounds: int,
    steps: int,
) -> Frames:
    """Least squares with motion both ways in time, smooth only where x is; all rounds stay near the video given.

    Each round estimates motion, confidence and edges again.

    Args:
        seen: 1 for the measurements that x may have seen, 0 for those that choose the strengths. All ones: no choice is made.
        spread: σ_m and σ_g are tried this many times larger and smaller; 1 makes no choice.
    """
    both_ways = [sign * step for step in range(1, reach + 1) for sign in (1, -1)]
    still = Terms(noise=noise, colour=colour, near=x, near_sd=near_sd)
    strengths = _Strengths(motion_sd, gradient_sd)

    def terms(x: Frames, links: list[Link], strengths: _Strengths) -> Terms:
        return replace(
            still, motion_sd=strengths.motion_sd, links=links, gradient_sd=strengths.gradient_sd,
            edges=edges(x, contrast, strengths.window, colour),
        )  # fmt: skip

    hidden = seen == 0
    choosing = bool(hidden.any()) and spread != 1
    mixes = choosing and _mixes(degrade, x)
    for _ in range(_CHOICES if choosing else 0):
        begin, links = x, confident_links(x, estimate, both_ways, interpolation)

        def attempt(strengths: _Strengths, begin: Frames = begin, links: list[Link] = links) -> _Attempt:
            x = solve(y * seen, lambda v: degrade(v) * seen, begin, terms(begin, links, strengths), steps)
            return _Attempt(strengths, x, (degrade(x) - y)[hidden].square())

        chosen = _choose(attempt, strengths, spread, noise, mixes)
        x, before, strengths = chosen.x, strengths, chosen.strengths
        if strengths == before:
            break
    for _ in range(rounds):
        x = solve(y, degrade, x, terms(x, confident_links(x, estimate, both_ways, interpolation), strengths), steps)
    return x


_CHOICES = 3
"""At most: a choice that changes nothing is the last."""


@dataclass(frozen=True)
class _Strengths:
    motion_sd: float
    gradient_sd: float
    window: int = 1
    """Side of the square over which edges are seen together, in pixels."""


@dataclass(frozen=True)
class _Attempt:
    strengths: _Strengths
    x: Frames
    errors: Tensor
    """Squared, one for each measurement that was held out."""

    def beats(self, other: "_Attempt", margin: float) -> bool:
        """By two standard errors of the mean difference, and by a share `margin` of the error."""
        gain = other.errors - self.errors
        return bool(gain.mean() > max(2 * gain.std() / len(gain) ** 0.5, margin * other.errors.mean()))


def _choose(
    attempt: Callable[[_Strengths], _Attempt], strengths: _Strengths, spread: float, noise: float, mixes: bool
) -> _Attempt:
    """One number after the other: larger, else smaller, else as it was.

    Where little but noise is left, only larger: what A hides is not judged, and smoothing it away would look like a gain.
    Where A mixes pixels, a gain of 5 % at least: a measurement left out leaves more to guess than one that is there.
    """
    best = attempt(strengths)
    judged = best.errors.mean() > 2 * noise**2
    margin = 0.05 if judged and mixes else 0.0
    factors = (spread, 1 / spread) if judged else (spread,)
    moves = [
        [("window", 3)] if judged and strengths.window != 3 else [],
        [("motion_sd", strengths.motion_sd * factor) for factor in factors],
        [("gradient_sd", strengths.gradient_sd * factor) for factor in factors],
    ]
    for alternatives in moves:
        here = best
        for field, value in alternatives:
            other = attempt(replace(here.strengths, **{field: value}))
            if other.beats(here, margin):
                best = other
                break
    return best


def _mixes(degrade: Degrade, x: Frames) -> bool:
    """Whether A makes measurements of several pixels each; of one alone, its size does not change with the pixel's sign."""
    signs = torch.randint(0, 2, x.shape, generator=torch.Generator().manual_seed(0)).to(x) * 2 - 1
    return not torch.allclose(degrade(signs).abs(), degrade(torch.ones_like(x)).abs(), atol=1e-4)


def onto(y: Measured, degrade: Degrade, x: Frames, noise: float, steps: int) -> Frames:
    """From x towards the measurements alone, until they are met to within their noise (the discrepancy rule).

    What A does not see stays as it is in x.
    """
    for nearer in iterates(y, degrade, x, Terms(noise=0.0), steps):
        if (degrade(x) - y).square().mean().sqrt() <= noise:
            break
        x = nearer
    return x
