"""D1, the decoder's last layer, and its parts."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from oneseed.shapes import Frames


@dataclass(frozen=True)
class LastLayer:
    """D1: a convolution of stride 1 with zeros around, as large there as here."""

    weight: Float[Tensor, "3 C k l"]
    """k and l odd."""
    bias: Float[Tensor, " 3"]

    @classmethod
    def of(cls, layer: nn.Conv2d) -> "LastLayer":
        assert (layer.stride, layer.dilation, layer.groups, layer.padding_mode) == ((1, 1), (1, 1), 1, "zeros")
        assert layer.bias is not None
        said = cls(layer.weight, layer.bias)
        assert layer.padding == said.sides
        return said

    @property
    def sides(self) -> tuple[int, int]:
        """How far it reaches, down and to the right."""
        down, right = self.weight.shape[2:]
        return down // 2, right // 2

    def __call__(self, feature: Tensor) -> Frames:
        """D1 h."""
        return F.conv2d(feature, self.weight, self.bias, padding=self.sides)

    def transposed(self, g: Frames) -> Tensor:
        """Kᵀ Sᵀ g."""
        return F.conv_transpose2d(g, self.weight, padding=self.sides)

    def laid_out(self, layout: torch.memory_format) -> "LastLayer":
        """The same; what it takes and gives is best in that layout."""
        return LastLayer(self.weight.contiguous(memory_format=layout), self.bias)

    def apart(self, taps: Tensor) -> Tensor:
        """What `mixing` gives, with rows and columns of taps, and colours, each a dimension of its own."""
        return taps.unflatten(0, (*self.weight.shape[2:], 3))

    def mixing(self) -> Float[Tensor, "T C"]:
        """K: all taps one below the other, each with its three colours."""
        return self.weight.permute(2, 3, 0, 1).flatten(0, 2)
