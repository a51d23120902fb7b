"""Additive Gaussian noise: the camera's part in Y ≈ A(X) that no one can predict."""

import math

import torch

from oneseed.errors import RequestError
from oneseed.shapes import Measured


def require_noise(sigma: float) -> None:
    """Check a noise level.

    Raises:
        RequestError: it is not in [0, 1].
    """
    if not 0 <= sigma <= 1:
        mend = f"Of 255 levels, {sigma:g} would be {sigma / 255:.3g}." if 1 < sigma <= 255 else "Give 0.05, say."
        raise RequestError(f"--noise is {sigma:g}; a standard deviation on the [0, 1] scale is needed. {mend}")


def add_noise(y: Measured, sigma: float, generator: torch.Generator) -> Measured:
    """y plus noise of standard deviation `sigma`, in the unit of y ([0, 1] from black to white). Not clamped.

    The noise is drawn on the generator's device in float32, so that it is the same for every type and device of y.

    Raises:
        RequestError: sigma is not in [0, 1].
    """
    require_noise(sigma)
    drawn = torch.randn(y.shape, generator=generator, device=generator.device, dtype=torch.float32)
    return y + sigma * drawn.to(y)


def rounding_noise(bits: int) -> float:
    """Standard deviation of what rounding to so many bits does, on the [0, 1] scale: that of a uniform step's error."""
    return 1 / (2**bits - 1) / math.sqrt(12)
