"""A box cut out of a clip: some frames, some rows, some columns."""

from typing import Any, NamedTuple

from jaxtyping import Shaped
from torch import Tensor

Shape = tuple[int, int, int, int]
"""(N, C, H, W)."""


class Box(NamedTuple):
    """first <= frame < last, top <= row < bottom, left <= column < right."""

    first: int
    last: int
    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def all_of(cls, shape: Shape) -> "Box":
        n, _, h, w = shape
        return cls(0, n, 0, h, 0, w)

    def of(self, x: Any) -> Shaped[Tensor, "n C h w"]:
        """What lies in the box: a view of a tensor `N C H W`, or read from a `Reel`."""
        return x[self.first : self.last][:, :, self.top : self.bottom, self.left : self.right]

    def shape(self, colours: int = 3) -> Shape:
        return self.last - self.first, colours, self.bottom - self.top, self.right - self.left

    def within(self, outer: "Box") -> "Box":
        """The same box, counted from where `outer` begins."""
        t, y, x = outer.first, outer.top, outer.left
        return Box(self.first - t, self.last - t, self.top - y, self.bottom - y, self.left - x, self.right - x)
