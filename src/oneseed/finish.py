"""The end of a run: from a good video x onto all measurements. Not in the paper.

How strongly motion and smoothness should weigh differs from clip to clip. The measurements that x has not seen decide.
"""

from dataclasses import dataclass, replace
from functools import partial

from oneseed.choice import Judge, Moves, larger_or_smaller, only
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
    used: Measured,
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
        used: 1 for the measurements that the rounds after the choice use: all, unless the rest is to choose more.
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

    judge = Judge(y, degrade, seen, noise, x)
    for _ in range(_CHOICES if judge.holds_any and spread != 1 else 0):
        begin, links, before = x, confident_links(x, estimate, both_ways, interpolation), strengths

        def attempt(strengths: _Strengths, begin: Frames = begin, links: list[Link] = links) -> Frames:
            return solve(*only(seen, y, degrade), begin, terms(begin, links, strengths), steps)

        chosen = judge.choose(attempt, strengths, partial(_moves, strengths, spread))
        x, strengths = chosen.x, chosen.strengths
        if strengths == before:
            break
    for _ in range(rounds):
        links = confident_links(x, estimate, both_ways, interpolation)
        x = solve(*only(used, y, degrade), x, terms(x, links, strengths), steps)
    return x


_CHOICES = 3
"""At most: a choice that changes nothing is the last."""


@dataclass(frozen=True)
class _Strengths:
    motion_sd: float
    gradient_sd: float
    window: int = 1
    """Side of the square over which edges are seen together, in pixels."""


def _moves(now: _Strengths, spread: float, judged: bool) -> Moves:
    return [
        [("window", 3)] if judged and now.window != 3 else [],
        larger_or_smaller("motion_sd", now.motion_sd, spread, judged),
        larger_or_smaller("gradient_sd", now.gradient_sd, spread, judged),
    ]


def onto(y: Measured, degrade: Degrade, x: Frames, noise: float, steps: int) -> Frames:
    """From x towards the measurements alone, until they are met to within their noise (the discrepancy rule).

    What A does not see stays as it is in x.
    """
    for nearer in iterates(y, degrade, x, Terms(noise=0.0), steps):
        if (degrade(x) - y).square().mean().sqrt() <= noise:
            break
        x = nearer
    return x
