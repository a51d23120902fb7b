"""One frame of a file, not yet decoded into pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Picture:
    """When it is shown, from `time` to `end` in seconds, and how to get it: RGB, upright, in [0, 1]."""

    name: str
    time: Fraction
    end: Fraction
    aspect: Fraction
    load: Callable[[], Float[Tensor, "3 H W"]]
