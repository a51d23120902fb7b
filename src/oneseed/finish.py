"""The end of a run: from a good video x onto all measurements. Not in the paper.

How strongly motion and smoothness should weigh differs from clip to clip. The measurements that x has not seen decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from oneseed.least_squares import Degrade, Terms, confident_links, edges, iterates, solve
from oneseed.shapes import Frames, Measured
from oneseed.warp import Estimate


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
    motion_sd: float,
    near_sd: float,
    reach: int,
    rounds: int,
    steps: int,
) -> Frames:
    """Least squares with motion both ways in time, smooth only where x is; all rounds stay near the video given.

    Each round estimates motion, confidence and edges again.

    Args:
        seen: 1 for the measurements that x may have seen, 0 for those that choose σ_m and σ_g. All ones: no choice is made.
        spread: σ_m and σ_g are tried this many times larger and smaller; 1 makes no choice.
    """
    both_ways = [sign * step for step in range(1, reach + 1) for sign in (1, -1)]
    terms = Terms(noise=noise, gradient_sd=gradient_sd, motion_sd=motion_sd, near=x, near_sd=near_sd)

    def looked_at(x: Frames, terms: Terms) -> Terms:
        return replace(terms, edges=edges(x, contrast), links=confident_links(x, estimate, both_ways))

    hidden = seen == 0
    if hidden.any() and spread != 1:
        partly = lambda v: degrade(v) * seen  # noqa: E731
        begin, terms = x, looked_at(x, terms)

        def attempt(terms: Terms) -> "_Attempt":
            x = solve(y * seen, partly, begin, terms, steps)
            return _Attempt(terms, x, (degrade(x) - y)[hidden].square())

        chosen = _choose(attempt, terms, spread)
        x, terms = chosen.x, chosen.terms
    for _ in range(rounds):
        terms = looked_at(x, terms)
        x = solve(y, degrade, x, terms, steps)
    return x


@dataclass(frozen=True)
class _Attempt:
    terms: Terms
    x: Frames
    errors: Tensor
    """Squared, one for each measurement that was held out."""

    def beats(self, other: "_Attempt") -> bool:
        """Clearly, by two standard errors of the mean difference: with noise, small differences say nothing."""
        gain = other.errors - self.errors
        return bool(gain.mean() > 2 * gain.std() / len(gain) ** 0.5)


def _choose(attempt: Callable[[Terms], _Attempt], terms: Terms, spread: float) -> _Attempt:
    """σ_m first, then σ_g: larger, else smaller, else as it was."""
    best = attempt(terms)
    for field in ("motion_sd", "gradient_sd"):
        here = best.terms
        for factor in (spread, 1 / spread):
            other = attempt(replace(here, **{field: getattr(here, field) * factor}))
            if other.beats(best):
                best = other
                break
    return best


def onto(y: Measured, degrade: Degrade, x: Frames, noise: float, steps: int) -> Frames:
    """From x towards the measurements alone, until they are met to within their noise (the discrepancy rule).

    What A does not see stays as it is in x.
    """
    for nearer in iterates(y, degrade, x, Terms(noise=0.0), steps):
        if (degrade(x) - y).square().mean().sqrt() <= noise:
            break
        x = nearer
    return x
