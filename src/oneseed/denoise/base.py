"""A denoiser tells the picture from the noise on it, of a strength that it is told."""

from typing import Protocol, runtime_checkable

from oneseed.shapes import Frames


@runtime_checkable
class Denoiser(Protocol):
    """The mean of the natural pictures that may lie under Gaussian noise. Nothing here trains: its parameters are frozen."""

    name: str

    def denoise(self, x: Frames, sigma: float) -> Frames:
        """Every frame on its own, without a gradient; no noise: x itself.

        Args:
            sigma: standard deviation of the noise on the [0, 1] scale.
        """
        ...

    def to(self, device: object) -> object:
        """Move the network to a device."""
        ...
