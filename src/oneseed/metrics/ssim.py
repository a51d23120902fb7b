"""Structural similarity of each frame (Wang et al. 2004), on RGB in [0, 1], as scikit-image computes it.

Uniform 7x7 windows that lie wholly on the picture, K1 = 0.01, K2 = 0.03, sample covariance (n - 1), mean over channels.
Not the 11x11 Gaussian window of other tools: the two differ in the second digit.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from oneseed.errors import RequestError
from oneseed.shapes import Frames

__all__ = ["ssim"]

_WINDOW = 7
_C1, _C2 = 0.01**2, 0.03**2


def ssim(result: Frames, reference: Frames) -> Float[Tensor, " N"]:
    """One number per frame, at most 1; 1 for equal frames.

    Raises:
        RequestError: a side is shorter than the window.
    """
    height, width = result.shape[-2:]
    if min(height, width) < _WINDOW:
        raise RequestError(
            f"frames are {width}x{height}; ssim needs at least {_WINDOW} pixels a side. Score larger frames."
        )
    x, y = result.double(), reference.double()  # differences of squares lose half the digits
    mean_x, mean_y = _mean(x), _mean(y)
    unbiased = _WINDOW**2 / (_WINDOW**2 - 1)
    variances = unbiased * (_mean(x * x) - mean_x**2 + _mean(y * y) - mean_y**2)
    covariance = unbiased * (_mean(x * y) - mean_x * mean_y)
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variances + _C2)
    return (luminance * structure).mean((1, 2, 3)).to(result.dtype)


def _mean(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, _WINDOW, stride=1)
