"""What a result is worth: numbers that compare it with the reference.

To add a metric, add one file to this folder that offers a function, or a class whose objects are called like one when
it needs something beside the two videos (weights, an estimator of motion). `psnr.py` is the smallest.
"""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from oneseed.shapes import Frames


@runtime_checkable
class Metric(Protocol):
    def __call__(self, result: Frames, reference: Frames) -> Float[Tensor, " M"]:
        """One number for each frame, or for each pair of neighbours. Frames are RGB in [0, 1] and not clamped here."""
        ...
