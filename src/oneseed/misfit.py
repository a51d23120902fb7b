"""How far a video is from its measurements: the data term of eq 12, and the error on those that were held out."""

from typing import Any

import torch
from torch import Tensor

from oneseed.shapes import Measured


class Misfit:
    """For one set of measurements.

    Args:
        seen: 1 for those that the chain sees, 0 for those held out.
        plain: the data term as it is written; slower, and what the other is measured by.
    """

    def __init__(self, seen: Measured, plain: bool = False):
        self.seen, self.plain, self.count = seen, plain, seen.sum()
        hidden = (seen == 0).flatten().nonzero().squeeze(1)
        self._hidden = hidden if len(hidden) else None

    def data(self, gap: Measured) -> Tensor:
        """Mean of gap² over the measurements seen, with its gradient for A(x) − y."""
        if self.plain:
            return (gap * self.seen).square().sum() / self.count
        return _Mean.apply(gap, self.seen, self.count)  # type: ignore[no-any-return]

    def held_out(self, gap: Measured) -> float | None:
        """Mean of gap² over those held out; None if there are none."""
        if self._hidden is None:
            return None
        return gap.detach().flatten()[self._hidden].square().mean().item()

    def errors(self, gap: Measured) -> tuple[float, float | None]:
        """Both, as numbers."""
        return self.data(gap.detach()).item(), self.held_out(gap)


def scaled(slope: Tensor, gradient: Tensor) -> Tensor:
    """gradient · slope, for a number that mostly is 1: then no other video is made."""
    return slope if gradient.device.type == "cpu" and gradient == 1 else gradient * slope


class _Mean(torch.autograd.Function):
    """One video waits for the way back, and nothing is made beside it."""

    @staticmethod
    def forward(ctx: Any, gap: Tensor, seen: Tensor, count: Tensor) -> Tensor:
        slope = gap * seen
        flat = slope.flatten()
        mean = flat.dot(flat) / count
        ctx.save_for_backward(slope.mul_(2 / count))
        return mean

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        return scaled(ctx.saved_tensors[0], gradient), None, None
