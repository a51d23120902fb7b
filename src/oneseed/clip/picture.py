"""One frame of a file, not yet decoded into pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Picture:
    """When it is shown, from `time` to `end` in seconds, and how to get it: RGB, upright, in [0, 1]; and its alpha, if any."""

    name: str
    time: Fraction
    end: Fraction
    aspect: Fraction
    load: Callable[[], Float[Tensor, "3 H W"]]
    alpha: Callable[[], Float[Tensor, "1 H W"]] | None = None

    def matte(self) -> Float[Tensor, "1 H W"]:
        """Its alpha, 1 throughout if it has none."""
        return torch.ones_like(self.load()[:1]) if self.alpha is None else self.alpha()
