"""A in Y ≈ A(X): a deterministic, differentiable map from clean frames to what the camera gave us.

Noise is not part of A. To add a degradation, add one file to this folder; `downsample.py` is the smallest.
"""

from typing import Any

import torch
from torch import Tensor, nn

from oneseed.box import Box, Shape
from oneseed.errors import RequestError
from oneseed.shapes import Frames, Measured, PixelMap


class Degradation(nn.Module):
    """One degradation. A subclass sets `arguments` in its constructor and writes `forward` and `measured_shape`."""

    linear: bool = True
    """A(a x + b y) = a A(x) + b A(y): least squares and exact steps onto the measurements are then open to it."""

    temporal_reach: int = 0
    """Frames either side that one measured frame looks at."""

    spatial_reach: int = 0
    """Pixels of the clean frames, each way, that one measurement looks at beyond its own place."""

    wraps: bool = False
    """Beyond one end of the clip it looks at the other."""

    arguments: dict[str, Any]
    """The constructor's arguments, as the command line would write them."""

    def forward(self, x: Frames) -> Measured:
        """A(x). Frames `N C H W` in [0, 1], or beyond it inside the optimisation; dtype and device stay the same."""
        raise NotImplementedError

    def measured_shape(self, shape: Shape) -> Shape:
        """Shape of A(x) for x of this shape (N, C, H, W).

        Raises:
            RequestError: A does not apply to such frames.
        """
        return shape

    def clean_shape(self, shape: Shape) -> Shape:
        """Shape of the frames behind measurements of this shape: the inverse of `measured_shape`."""
        return shape

    def adjoint(self, y: Measured, shape: Shape) -> Frames:
        """Aᵀy for frames of `shape`, exact, by reverse-mode differentiation. Only for a linear A."""
        if not self.linear:
            raise TypeError(f"{type(self).__name__} is not linear: it has no adjoint")
        return torch.func.vjp(self, y.new_zeros(shape))[1](y)[0]

    def arrays(self) -> dict[str, Tensor]:
        """What was drawn or read rather than computed from `arguments` (masks, kernels), by constructor argument."""
        return {}

    def local(self, whole: Shape, box: Box) -> "Degradation":
        """A for frames cut out of a clip of shape `whole`: the same wherever `reliable` says so.

        Raises:
            RequestError: it does not say what it does to a piece of a clip.
        """
        raise RequestError(
            f"{type(self).__name__} does not say what it does to a piece of a clip; needed is all of it at once. "
            "Add --window all --tile all, or give it a method `local`."
        )

    def measured_box(self, box: Box) -> Box:
        """Where the measurements of a box of clean frames lie.

        Raises:
            ValueError: the box cuts through a measurement.
        """
        _, _, rows, columns = self.clean_shape((1, 1, 1, 1))  # of clean pixels, that one measurement covers
        if any(place % rows for place in (box.top, box.bottom)) or any(place % columns for place in box[4:]):
            raise ValueError(f"{box} cuts through measurements of {columns}x{rows} pixels")
        return Box(*box[:2], *(place // rows for place in box[2:4]), *(place // columns for place in box[4:]))

    def reliable(self, whole: Shape, box: Box) -> PixelMap:
        """1 for each measurement of the box that looks at nothing beyond it, 0 for the others."""
        (n, _, height, width), (count, _, h, w) = whole, box.shape()
        _, _, rows, columns = self.clean_shape((1, 1, 1, 1))
        cut = self.wraps and count < n
        frames = _inside(count, 1, self.temporal_reach, box.first > 0 or cut, box.last < n or cut)
        down = _inside(h, rows, self.spatial_reach, box.top > 0, box.bottom < height)
        across = _inside(w, columns, self.spatial_reach, box.left > 0, box.right < width)
        return frames[:, None, None, None] * down[:, None] * across

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
        self.spatial_reach = first.spatial_reach + second.spatial_reach * max(first.clean_shape((1, 1, 1, 1))[2:])
        self.wraps = first.wraps or second.wraps

    def forward(self, x: Frames) -> Measured:
        return self.second(self.first(x))

    def measured_shape(self, shape: Shape) -> Shape:
        return self.second.measured_shape(self.first.measured_shape(shape))

    def clean_shape(self, shape: Shape) -> Shape:
        return self.first.clean_shape(self.second.clean_shape(shape))

    def local(self, whole: Shape, box: Box) -> Degradation:
        first, second = self.first.local(whole, box), self.second
        return first.then(second.local(self.first.measured_shape(whole), self.first.measured_box(box)))

    def parts(self) -> list[Degradation]:
        return [*self.first.parts(), *self.second.parts()]


def _inside(length: int, unit: int, reach: int, cut_before: bool, cut_after: bool) -> Tensor:
    """Along one axis, 1 for each of length / unit measurements that lies `reach` or more from where the clip was cut."""
    lost = -(-reach // unit)
    kept = torch.ones(length // unit)
    kept[: lost * cut_before] = 0
    kept[max(len(kept) - lost, 0) if cut_after else len(kept) :] = 0
    return kept
