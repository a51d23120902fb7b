"""After the finish: what natural pictures look like, from a learned denoiser. Not in the paper.

A denoiser told the strength of the noise moves a picture towards what is likely; least squares move it back onto the
measurements and along the motion; the strength falls from round to round (Venkatakrishnan et al. 2013; Zhang et al. 2021).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import torch

from oneseed.choice import Judge, Moves, larger_or_smaller, only
from oneseed.least_squares import Degrade, Terms, around, confident_links, robustly, solve
from oneseed.sampling import Kernel
from oneseed.shapes import Frames, Measured, PixelMap
from oneseed.warp import Estimate, Link, pairs

Denoise = Callable[[Frames, float], Frames]


def refine(
    y: Measured,
    degrade: Degrade,
    x: Frames,
    estimate: Estimate,
    denoise: Denoise,
    *,
    seen: Measured,
    spread: float,
    noise: float,
    strongest: float,
    weakest: float,
    doubt: float,
    doubt_alone: float,
    motion_from: float,
    motion_to: float,
    contrast: float,
    reach: int,
    interpolation: Kernel,
    rounds: int,
    steps: int,
) -> Frames:
    """`rounds` times: denoise x, then least squares with data and motion both ways in time, near what was denoised.

    In the end, once more, the noise that the measurements have.

    Args:
        seen: 1 for the measurements that x may have seen, 0 for those that choose how much motion counts. All ones: no
            choice is made.
        spread: σ_m is tried this many times larger and smaller, round after round until nothing predicts better; 1 makes no
            choice.
        strongest: the noise that the denoiser is told of in the first round; it falls in equal ratios to `weakest`.
        doubt: where motion ties a frame to another, what was denoised is expected to be wrong by this many times that
            noise.
        doubt_alone: and where no other frame confirms it: nothing else keeps noise out there.
        motion_from: σ_m in the first round; it falls in equal ratios to `motion_to`.
        contrast: κ of `robustly`, for links where A mixes pixels; 0 leaves them as they are.
    """
    both_ways = [sign * step for step in range(1, reach + 1) for sign in (1, -1)]
    sigmas, motion_sds = in_equal_ratios(strongest, weakest, rounds), in_equal_ratios(motion_from, motion_to, rounds)
    judge = Judge(y, degrade, seen, noise, x)
    robust = contrast > 0 and judge.mixes
    choosing, factor = judge.holds_any and spread != 1, _Factor()
    for k, (sigma, motion_sd) in enumerate(zip(sigmas, motion_sds, strict=True), start=1):
        v = denoise(x, sigma)
        links = confident_links(v, estimate, both_ways, interpolation)
        tied = _tied(v, links)
        if robust:
            links = robustly(links, v, contrast)
        terms = Terms(noise=noise, links=links, near=v, near_sd=sigma / (tied / doubt + (1 - tied) / doubt_alone))

        if choosing:

            def attempt(factor: _Factor, x: Frames = x, terms: Terms = terms, motion_sd: float = motion_sd) -> Frames:
                return solve(*only(seen, y, degrade), x, replace(terms, motion_sd=factor.motion * motion_sd), steps)

            chosen = judge.choose(attempt, factor, partial(_moves, factor, spread))
            choosing, factor = chosen.strengths != factor, chosen.strengths
            if k < rounds:  # the last round uses all that was measured
                x = chosen.x
                continue
        x = solve(y, degrade, x, replace(terms, motion_sd=factor.motion * motion_sd), steps)
    return denoise(x, noise) if rounds else x


@dataclass(frozen=True)
class _Factor:
    motion: float = 1.0
    """On σ_m."""


def _moves(now: _Factor, spread: float, judged: bool) -> Moves:
    return [larger_or_smaller("motion", now.motion, spread, judged)]


def _tied(x: Frames, links: Iterable[Link]) -> PixelMap:
    """How far some other frame confirms each pixel, from 0 to 1, over 5x5 pixels."""
    best = torch.zeros_like(x[:, :1])
    for step, _, confidence in links:
        here, _ = pairs(best, step)
        torch.maximum(here, confidence, out=here)
    return around((best / _ENOUGH).clamp(max=1), 5)


_ENOUGH = 0.25
"""A link of this confidence ties fully."""


def in_equal_ratios(first: float, last: float, count: int) -> list[float]:
    """`count` numbers from `first` to `last`; of one, `first`."""
    return [first * (last / first) ** (k / max(count - 1, 1)) for k in range(count)]
