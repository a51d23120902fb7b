"""Frame blending and long shutters: each frame is the mean of `width` neighbouring frames."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from oneseed.box import Box, Shape
from oneseed.degrade._require import require
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError
from oneseed.shapes import Frames, Measured

__all__ = ["TemporalBlur"]


class TemporalBlur(Degradation):
    """Uniform mean over `width` frames, centred.

    A circular blur loses some temporal frequencies for good where `width` and the number of frames share a divisor:
    width 7 can be undone for 16 frames and cannot for 14.

    Args:
        width: number of frames averaged, odd, at least 3.
        edges: what lies beyond the ends of the clip: its other end (circular), the clip mirrored about its end frame
            (reflect), or its end frame again (replicate).

    Raises:
        RequestError: the width is even or below 3, or there are no such edges.
    """

    def __init__(self, width: int = 7, edges: Literal["circular", "reflect", "replicate"] = "circular"):
        super().__init__()
        known = edges in ("circular", "reflect", "replicate")
        require(
            width >= 3 and width % 2 == 1,
            f"temporal-blur:width={width}; the width is odd and at least 3. Give width=7, say.",
        )
        require(known, f"temporal-blur:edges={edges}; edges are circular, reflect or replicate. Give one of them.")
        self.width, self.edges = width, edges
        self.temporal_reach, self.wraps = width // 2, edges == "circular"
        self.arguments = {"width": width, "edges": edges}

    def forward(self, x: Frames) -> Measured:
        n, c, h, w = x.shape
        self.measured_shape((n, c, h, w))
        weights = self.matrix(n).to(x.dtype).to(x.device)
        return (weights @ x.flatten(1)).view(x.shape)

    def matrix(self, frames: int) -> Float[Tensor, "N N"]:
        """The blur of a clip of so many frames: row n holds what each frame adds to measured frame n. float64."""
        n, last = torch.arange(frames), frames - 1
        seen = n[:, None] + torch.arange(-self.temporal_reach, self.temporal_reach + 1)
        if self.edges == "circular":
            seen = seen % frames
        elif self.edges == "reflect":
            seen = last - (last - seen.abs()).abs()
        else:
            seen = seen.clamp(0, last)
        return (seen[:, :, None] == n).sum(1).double() / self.width

    def local(self, whole: Shape, box: Box) -> Degradation:
        """At the ends of the clip as there; where it was cut, frames are unreliable, and so they are all where it wraps."""
        alone = self.wraps and box.last - box.first < whole[0]
        return TemporalBlur(self.width, "reflect") if alone else self

    def measured_shape(self, shape: Shape) -> Shape:
        needed = {"circular": self.width, "reflect": self.temporal_reach + 1, "replicate": 2}[self.edges]
        if shape[0] < needed:
            found = f"the number of frames is {shape[0]}; temporal-blur:width={self.width},edges={self.edges}"
            raise RequestError(f"{found} needs at least {needed}. Take more frames or a smaller width.")
        return shape
