"""Warping error: how well frames agree along the motion of the reference (Lai et al. 2018), times 100.

Published numbers differ by factors of 3 to 25 with the definition, so this is ours in full. Frames in [0, 1]. Flow
from frame n to n + 1 and back is estimated on the reference. Frame n + 1 is carried back onto frame n and compared by
squared error where the point is visible: in bounds, past UnFlow's forward-backward check, and not on a motion boundary.
The error is averaged over the visible pixels of a pair, then over pairs.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from oneseed.shapes import Flow, Frames, Mask
from oneseed.warp import Estimate, Warp, pairs, visible

__all__ = ["WarpingError"]


class Errors(NamedTuple):
    """One number per pair of neighbours, times 100; NaN where nothing is visible. Lower is better."""

    we_self: Float[Tensor, " P"]
    """Result against result, mean over channels: Lai's definition, and the measure of consistency over time."""
    we_gt: Float[Tensor, " P"]
    """Reference against carried result, sum over channels: of the size of published tables, but it follows the squared
    error to the reference and says little about consistency."""
    we_reference: Float[Tensor, " P"]
    """`we_self` of the reference: the floor, due to noise, light and the flow's own errors."""


class WarpingError:
    """Called as a metric it gives `we_self`.

    Args:
        estimate: the `estimate` of an estimator of motion; numbers of different estimators do not compare.
    """

    def __init__(self, estimate: Estimate):
        self.estimate = estimate

    def __call__(self, result: Frames, reference: Frames) -> Float[Tensor, " P"]:
        return self.measure(result, reference).we_self

    @torch.no_grad()
    def measure(self, result: Frames, reference: Frames) -> Errors:
        """All three errors, from one estimate of the motion."""
        true_here, true_there = pairs(reference, 1)
        here, there = pairs(result, 1)
        forward = self.estimate(true_here, true_there)
        mask = visible(forward, self.estimate(true_there, true_here)) & ~motion_boundary(forward)
        warp = Warp(forward)
        carried, channels = warp(there), result.shape[1]
        return Errors(
            we_self=_error(here, carried, mask) / channels,
            we_gt=_error(true_here, carried, mask),
            we_reference=_error(true_here, warp(true_there), mask) / channels,
        )


def motion_boundary(flow: Flow) -> Mask:
    """Where |∇u|² + |∇v|² > 0.01 |f|² + 0.002 (Lai et al. 2018).

    Slopes are forward differences, 0 at the last row and column.
    """
    across = torch.diff(flow, dim=3, append=flow[..., -1:])
    down = torch.diff(flow, dim=2, append=flow[..., -1:, :])
    slope = (across.square() + down.square()).sum(1, keepdim=True)
    return slope > 0.01 * flow.square().sum(1, keepdim=True) + 0.002


def _error(here: Frames, carried: Frames, mask: Mask) -> Float[Tensor, " P"]:
    """100 times the squared error, summed over channels, as a mean over visible pixels; NaN (0/0) without any."""
    gap = ((here - carried).square() * mask).sum((1, 2, 3))
    return 100 * gap / mask.sum((1, 2, 3))
