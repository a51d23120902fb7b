"""A small least-squares problem with every term, and a clip that moves by whole pixels."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneseed.least_squares import Terms
from oneseed.warp import Link, Warp

SMALL = (3, 2, 6, 4)


def moving(draw: Callable[..., Tensor], frames: int, size: int = 48) -> Tensor:
    """A fine texture that moves one pixel to the right from each frame to the next."""
    wide = F.interpolate(draw(1, 3, 16, 16), size=(size, size + frames), mode="bicubic", align_corners=False)
    return torch.cat([wide[..., frames - n : frames - n + size] for n in range(frames)]).clamp(0, 1)


def rightwards(here: Tensor, there: Tensor) -> Tensor:
    """The true motion of `moving` between neighbours, told apart from its reverse by looking."""
    flow = here.new_zeros(len(here), 2, *here.shape[-2:])
    ahead = (here[..., :-1] - there[..., 1:]).square().mean() < (here[..., 1:] - there[..., :-1]).square().mean()
    flow[:, 0] = 1 if ahead else -1
    return flow


def some_terms(draw: Callable[..., Tensor]) -> Terms:
    n, _, h, w = SMALL
    flows = [4 * draw(n - step, 2, h, w, dtype=torch.float64) - 2 for step in (1, 2)]
    links = [
        Link(step, Warp(flow), draw(n - step, 1, h, w, dtype=torch.float64))
        for step, flow in zip((1, 2), flows, strict=True)
    ]
    near = draw(*SMALL, dtype=torch.float64)
    sizes = (h, w - 1), (h - 1, w), (h, w - 2), (h - 2, w)
    edges = [draw(n, 1, *size, dtype=torch.float64) for size in sizes]
    near_sd = 0.1 + 0.2 * draw(n, 1, h, w, dtype=torch.float64)
    return Terms(
        noise=0.05, gradient_sd=0.3, edges=edges, colour=1.7, motion_sd=0.1, links=links, near=near, near_sd=near_sd
    )  # fmt: skip


def matrix(apply: Callable[[Tensor], Tensor]) -> np.ndarray:
    """A linear map of frames of SMALL, column by column."""
    basis = torch.eye(int(np.prod(SMALL)), dtype=torch.float64).view(-1, *SMALL)
    return np.stack([apply(x).flatten().numpy() for x in basis], 1)
