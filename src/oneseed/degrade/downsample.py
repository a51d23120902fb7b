"""Low resolution: each pixel is the exact mean of a square of factor x factor pixels."""

from torch.nn.functional import avg_pool2d

from oneseed.box import Box, Shape
from oneseed.degrade._require import require
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError
from oneseed.shapes import Frames, Measured

__all__ = ["Downsample"]


class Downsample(Degradation):
    """Mean over squares that tile the frame (average pooling).

    Args:
        factor: side of the square in pixels, at least 2.

    Raises:
        RequestError: the factor is below 2.
    """

    def __init__(self, factor: int = 4):
        super().__init__()
        require(factor >= 2, f"downsample:factor={factor}; the factor is at least 2. Give factor=4, say.")
        self.factor = factor
        self.arguments = {"factor": factor}

    def forward(self, x: Frames) -> Measured:
        n, c, h, w = x.shape
        self.measured_shape((n, c, h, w))
        return avg_pool2d(x, self.factor)

    def local(self, whole: Shape, box: Box) -> Degradation:
        return self

    def measured_shape(self, shape: Shape) -> Shape:
        n, c, h, w = shape
        factor = self.factor
        if h % factor or w % factor:
            width, height = w - w % factor, h - h % factor
            mend = f"Add --size {width}x{height}." if width and height else "Choose a smaller factor."
            needed = f"downsample:factor={factor} needs both sides divisible by {factor}"
            raise RequestError(f"frames are {w}x{h}; {needed}. {mend}")
        return n, c, h // factor, w // factor

    def clean_shape(self, shape: Shape) -> Shape:
        n, c, h, w = shape
        return n, c, h * self.factor, w * self.factor
