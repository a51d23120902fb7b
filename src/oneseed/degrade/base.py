"""A in Y ≈ A(X): a deterministic, differentiable map from clean frames to what the camera gave us.

Noise is not part of A. To add a degradation, add one file to this folder; `downsample.py` is the smallest.
"""

from typing import Any

import torch
from torch import Tensor, nn

from oneseed.shapes import Frames, Measured


class Degradation(nn.Module):
    """One degradation. A subclass sets `arguments` in its constructor and writes `forward` and `measured_shape`."""

    linear: bool = True
    """A(a x + b y) = a A(x) + b A(y): least squares and exact steps onto the measurements are then open to it."""

    temporal_reach: int = 0
    """Frames either side that one measured frame looks at."""

    arguments: dict[str, Any]
    """The constructor's arguments, as the command line would write them."""

    def forward(self, x: Frames) -> Measured:
        """A(x). Frames `N C H W` in [0, 1], or beyond it inside the optimisation; dtype and device stay the same."""
        raise NotImplementedError

    def measured_shape(self, shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """Shape of A(x) for x of this shape (N, C, H, W).

        Raises:
            RequestError: A does not apply to such frames.
        """
        return shape

    def clean_shape(self, shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """Shape of the frames behind measurements of this shape: the inverse of `measured_shape`."""
        return shape

    def adjoint(self, y: Measured, shape: tuple[int, int, int, int]) -> Frames:
        """Aᵀy for frames of `shape`, exact, by reverse-mode differentiation. Only for a linear A."""
        if not self.linear:
            raise TypeError(f"{type(self).__name__} is not linear: it has no adjoint")
        return torch.func.vjp(self, y.new_zeros(shape))[1](y)[0]

    def arrays(self) -> dict[str, Tensor]:
        """What was drawn or read rather than computed from `arguments` (masks, kernels), by constructor argument."""
        return {}

    def parts(self) -> list["Degradation"]:
        """The degradations that this one is made of, in the order in which they act."""
        return [self]

    def then(self, other: "Degradation") -> "Degradation":
        """other ∘ self: `blur.then(downsample)` blurs first."""
        return Chain(self, other)


class Chain(Degradation):
    """second ∘ first."""

    def __init__(self, first: Degradation, second: Degradation):
        super().__init__()
        self.first, self.second = first, second
        self.linear = first.linear and second.linear
        self.temporal_reach = first.temporal_reach + second.temporal_reach

    def forward(self, x: Frames) -> Measured:
        return self.second(self.first(x))

    def measured_shape(self, shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        return self.second.measured_shape(self.first.measured_shape(shape))

    def clean_shape(self, shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        return self.first.clean_shape(self.second.clean_shape(shape))

    def parts(self) -> list[Degradation]:
        return [*self.first.parts(), *self.second.parts()]
