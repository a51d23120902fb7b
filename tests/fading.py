"""A degradation that measures some pixels more strongly than others."""

import torch
from torch import Tensor

from oneseed.degrade.base import Degradation


class Fading(Degradation):
    """Every pixel by itself, darker towards the right."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.linspace(1.0, 0.2, x.shape[-1], dtype=x.dtype)
