"""The normal equations of `least_squares`, H x = b, times s², applied without ever being formed.

    H = AᵀA + s² (Σ_d (S − W_d)ᵀ c (S − W_d)/σ_m² + DᵀΓᵀ e ΓD/σ_g² + 1/σ_v²),   b = Aᵀy + s² v/σ_v²

S picks the frames that have a neighbour at distance d. Aᵀ comes from autograd, for A is the user's; the rest is written by
hand, in place and in the layout that suits each term: twice as fast as autograd on a CPU, and the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from oneseed import smoothness_compiled
from oneseed.differences import add_diagonal, add_transposed, bends, slopes
from oneseed.jit import serves
from oneseed.shapes import Frames, Measured, PixelMap
from oneseed.warp import Link, add_normals, pairs

Degrade = Callable[[Tensor], Tensor]  # A, linear


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What stands beside the data, each term by its standard deviation on the [0, 1] scale; infinite leaves it out."""

    noise: float
    """s, of the measurements."""
    gradient_sd: float = torch.inf
    """σ_g, of the difference between neighbouring pixels."""
    edges: Sequence[Tensor] | None = None
    """e, in [0, 1]: how much each place of the four differences counts. None: the first two fully, the bends not at all."""
    colour: float = 1.0
    """γ: the differences' grey part has σ_g, the rest σ_g/γ. Colours change together, or hardly."""
    motion_sd: float = torch.inf
    """σ_m, of the difference between a frame and its neighbour moved onto it."""
    links: Sequence[Link] = ()
    """f and c."""
    near: Frames | None = None
    """v."""
    near_sd: float | PixelMap = torch.inf
    """σ_v, of the difference between x and v: one, or one for each pixel."""


class Normal:
    """H and b of one problem.

    Args:
        like: any frames of the size, precision and device of what is looked for.
    """

    def __init__(self, y: Measured, degrade: Degrade, terms: Terms, like: Frames):
        self.degrade, self.terms = degrade, terms
        s2, near = terms.noise**2, terms.near
        self.rough, self.moving = s2 / terms.gradient_sd**2, s2 / terms.motion_sd**2
        self.nearness = s2 / torch.as_tensor(terms.near_sd, dtype=like.dtype, device=like.device) ** 2
        self.b = _transposed(degrade, torch.zeros_like(like), y)
        if near is not None:
            self.b = self.b + self.nearness * near

    def __call__(self, x: Frames) -> Frames:
        """H x."""
        image = torch.addcmul(gram(self.degrade, x), self.nearness, x)
        if self.rough:
            add_smoothness(image, x, self.terms.edges, self.terms.colour, self.rough)
        if self.moving and self.terms.links:
            add_normals(image, x, self.terms.links, [self.moving] * len(self.terms.links))
        return image

    def diagonal(self, measured: Frames) -> Frames:
        """H's diagonal, but never 0, where A mixes no pixels and AᵀA has the diagonal `measured`.

        W counts as if it moved whole pixels.
        """
        total = self.nearness + measured
        if self.rough:
            total += self.rough * _smoothness_diagonal(self.terms.edges, self.terms.colour, measured)
        if self.moving:
            for step, warp, confidence in self.terms.links:
                here, there = pairs(total, step)
                here.add_(confidence, alpha=self.moving)
                there.add_(warp.adjoint(confidence).clamp_(min=0), alpha=self.moving)
        return total.clamp_(min=1e-9 * float(total.max()) or 1.0)


def add_smoothness(total: Frames, x: Frames, edges: Sequence[Tensor] | None, colour: float, times: float) -> None:
    """total += times DᵀΓᵀ e ΓD x."""
    if serves(x):
        smoothness_compiled.add_smoothness(total, x, edges, colour, times)
    else:
        total.add_(smoothness(x, edges, colour), alpha=times)


def smoothness(x: Frames, edges: Sequence[Tensor] | None, colour: float) -> Frames:
    """DᵀΓᵀ e ΓD x: Γ and D commute, and Γᵀ Γ keeps the mean of the colours and takes what differs from it γ² times."""
    u = x.mean(1, keepdim=True).mul_(1 - colour**2) + colour**2 * x
    differences = slopes(u)
    if edges is not None:
        differences = [d.mul_(e) for d, e in zip((*differences, *bends(u)), edges, strict=True)]
    total = torch.zeros_like(u)
    add_transposed(total, differences)
    return total


def _smoothness_diagonal(edges: Sequence[Tensor] | None, colour: float, like: Frames) -> PixelMap:
    """Of DᵀΓᵀ e ΓD: that of Dᵀ e D, the same in all C colours, times (1 + (C - 1) γ²)/C."""
    weights = [torch.ones_like(d) for d in slopes(like[:, :1])] if edges is None else edges
    total = torch.zeros_like(like[:, :1])
    add_diagonal(total, weights)
    return total.mul_((1 + (like.shape[1] - 1) * colour**2) / like.shape[1])


def gram(degrade: Degrade, x: Frames) -> Frames:
    """AᵀA x."""
    return _transposed(degrade, x, None)


def each_measured(degrade: Degrade, like: Frames) -> Frames | None:
    """The diagonal of AᵀA, how strongly each pixel is measured; None where A mixes pixels.

    Signs drawn at random tell: they cancel where nothing is mixed, and nowhere else. No square is below 0, so one draw is
    mostly enough to see that pixels are mixed.
    """
    one = _signed_gram(degrade, like, seed=0)
    if one.min() < -_ROUNDING:
        return None
    return one if torch.allclose(one, _signed_gram(degrade, like, seed=1), atol=_ROUNDING) else None


_ROUNDING = 1e-4


def _signed_gram(degrade: Degrade, like: Frames, seed: int) -> Frames:
    """r ⊙ AᵀA r for signs r."""
    signs = torch.randint(0, 2, like.shape, generator=torch.Generator().manual_seed(seed)).to(like) * 2 - 1
    return signs * gram(degrade, signs)


def _transposed(degrade: Degrade, x: Frames, y: Measured | None) -> Frames:
    """Aᵀ y; without y, Aᵀ A x."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        seen = degrade(x)
    return torch.autograd.grad(seen, x, seen.detach() if y is None else y)[0]
