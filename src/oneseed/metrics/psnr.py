"""Peak signal-to-noise ratio of each frame, in dB, on RGB in [0, 1]."""

from jaxtyping import Float
from torch import Tensor

from oneseed.shapes import Frames

__all__ = ["psnr"]


def psnr(result: Frames, reference: Frames) -> Float[Tensor, " N"]:
    """10 log10(1 / mean squared error), one number per frame; infinite for equal frames."""
    return -10 * (result - reference).square().mean((1, 2, 3)).log10()
