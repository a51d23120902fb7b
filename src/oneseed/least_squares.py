"""Motion-compensated least squares (MCLS): the best video that no network had a hand in.

    minimise  ‖A x − y‖²/s² + Σ_d Σ_n ‖√c (x_n − W(x_{n+d}, f_{n→n+d}))‖²/σ_m² + ‖√e ΓDx‖²/σ_g² + ‖x − v‖²/σ_v²

over x, by conjugate gradients: every term is a linear least-squares term once the flows f, the confidences c and the edges
e are fixed, and those are estimated again from x in a few rounds. D are differences between neighbouring pixels, Γ makes
those of colour count more than those of brightness, s is the noise of the measurements, σ_m and σ_g the expected size of
what motion and smoothness leave unexplained, v a video that x should stay near. Not in the paper: it is the preview, the
start of the optimisation, and its last step onto the measurements.
"""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from oneseed.differences import bends, slopes
from oneseed.normal import Degrade, Normal, Terms, each_measured
from oneseed.sampling import Kernel
from oneseed.shapes import Frames, Measured
from oneseed.warp import Estimate, Link, coarsely, pairs, tie

__all__ = ["Degrade", "Terms", "around", "confident_links", "edges", "iterates", "restore", "robustly", "solve"]


def solve(y: Measured, degrade: Degrade, x: Frames, terms: Terms, steps: int) -> Frames:
    """The last of `steps` iterates from x, or the first that leaves nothing to do."""
    last = x
    for last in iterates(y, degrade, x, terms, steps):  # noqa: B007  the last one is what is wanted
        pass
    return last


def iterates(
    y: Measured, degrade: Degrade, x: Frames, terms: Terms, steps: int, tolerance: float = 1e-7
) -> Iterator[Frames]:
    """Conjugate gradients on the normal equations (Hestenes and Stiefel 1952).

    Where A mixes no pixels each has a scale of its own (Jacobi's preconditioner): a missing one has a ten thousandth of the
    curvature of one that was measured, and would hardly move.

    Args:
        tolerance: stop after a step that moves x by less than this, root mean square on the [0, 1] scale.
    """
    H = Normal(y, degrade, terms, x)
    measured = each_measured(degrade, x)
    scale = 1.0 if measured is None else 1 / H.diagonal(measured)
    residual = H.b - H(x)
    direction = scale * residual
    power = _inner(residual, direction)
    rounding = power * torch.finfo(x.dtype).eps ** 2
    for _ in range(steps):
        image = H(direction)
        curvature = _inner(direction, image)
        if curvature <= 0 or power <= rounding:  # nothing is left, or so little that it vanished in rounding
            return
        length = power / curvature
        moved = torch.linalg.vector_norm(direction) / math.sqrt(direction.numel())
        x, residual = torch.addcmul(x, direction, length), residual.addcmul_(image, length, value=-1)
        scaled = scale * residual
        power, last = _inner(residual, scaled), power
        direction = scaled.addcmul_(direction, power / last)
        yield x
        if length * moved < tolerance:
            return


def _inner(one: Tensor, other: Tensor) -> Tensor:
    return torch.dot(one.flatten(), other.flatten())


def _size(d: Tensor, colour: float) -> Tensor:
    """|d|² with its grey part, the same in every colour, counted once and the rest γ² times: `N 1 h w`."""
    grey = d.shape[1] * d.mean(1, keepdim=True).square()
    return grey + colour**2 * (d.square().sum(1, keepdim=True) - grey)


@torch.no_grad()
def confident_links(x: Frames, estimate: Estimate, steps: Iterable[int], kernel: Kernel = "cubic") -> list[Link]:
    """Frames tied at each distance in `steps`; confidence falls with what the motion leaves unexplained.

    c = M / (1 + ε/2ε̃), with M the occlusion mask, ε the squared error of the warped frame averaged over 3x3 pixels, and
    ε̃ its median. A single pixel that was filled in from a wrong motion agrees with it; its neighbourhood does not.
    A linear `kernel` blurs, and would have sharp frames agree with blurred ones.
    """
    links = []
    for step, warp, seen in tie(x, steps, estimate, kernel):
        here, there = pairs(x, step)
        error = around((here - warp(there)).square().mean(1, keepdim=True), 3)
        usual = 2 * error.flatten().median().clamp(min=1e-8)
        links.append(Link(step, warp, seen / (1 + error / usual)))
    return links


@torch.no_grad()
def robustly(links: Iterable[Link], x: Frames, contrast: float) -> list[Link]:
    """The same links with c = M/√(1 + |e|²/κ²), e what the motion leaves unexplained of x at each pixel, in all its colours.

    Beyond κ = `contrast` it costs |e|, not |e|² (Charbonnier et al. 1997, as in `edges`).
    """
    return [
        link._replace(weight=(link.weight > 0) / (1 + link.gap(x).square().sum(1, keepdim=True) / contrast**2).sqrt())
        for link in links
    ]


@torch.no_grad()
def edges(x: Frames, contrast: float, window: int = 1, colour: float = 1.0) -> list[Tensor]:
    """e = 1/√(1 + |d|²/κ²) for each of the four differences d: beyond κ = `contrast` they cost |d|, not |d|².

    |d|² weighs colour γ² times and is averaged over `window` x `window` pixels; `window` is odd.

    Source: the majoriser of Charbonnier et al. 1997, as iteratively reweighted least squares uses it; differences of
    first and second order as in Levin et al. 2007.
    """
    sizes = (around(_size(d, colour), window) for d in (*slopes(x), *bends(x)))
    return [1 / (1 + size / contrast**2).sqrt() for size in sizes]


def around(values: Tensor, window: int) -> Tensor:
    """Means over `window` x `window` pixels."""
    return avg_pool2d(values, window, 1, window // 2, count_include_pad=False)


def restore(
    y: Measured,
    degrade: Degrade,
    shape: tuple[int, int, int, int],
    estimate: Estimate,
    *,
    noise: float,
    gradient_sd: float,
    motion_sd: float,
    reach: int,
    interpolation: Kernel,
    first_steps: int,
    rounds: int,
    round_steps: int,
) -> Frames:
    """MCLS whole: first without motion, then `rounds` times with the motion seen in the last result.

    Where measurements are coarser than frames, motion is looked for at twice their resolution: what is finer is guessed.
    """
    finer = (shape[2] * shape[3] / (y.shape[2] * y.shape[3])) ** 0.5  # of frames, by this factor
    estimate = coarsely(estimate, max(round(finer / 2), 1))
    x = torch.zeros(shape, dtype=y.dtype, device=y.device)
    x = solve(y, degrade, x, Terms(noise=noise, gradient_sd=gradient_sd), first_steps)
    for _ in range(rounds):
        links = confident_links(x, estimate, range(1, reach + 1), interpolation)
        terms = Terms(noise=noise, gradient_sd=gradient_sd, motion_sd=motion_sd, links=links)
        x = solve(y, degrade, x, terms, round_steps)
    return x
