"""A U-Net that predicts the noise on a picture, told how strong it is.

Without a bias anywhere: scaled input and scaled noise give the scaled picture (Mohan et al. 2020), so that it holds for noise
weaker and stronger than it has seen. The shape is that of DRUNet (Zhang et al. 2021), small, and at half the resolution.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


class Block(nn.Module):
    """x + two convolutions with a ReLU between them."""

    def __init__(self, channels: int):
        super().__init__()
        self.first, self.second = _conv(channels, channels), _conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))


class DenoisingUNet(nn.Module):
    """Pictures with noise, `N 3 H W` of any size, and its standard deviations, `N`, to pictures without.

    Args:
        widths: channels of each level; each halves the resolution, the first is at one half.
        blocks: residual blocks of each level on the way down, and again on the way up.
    """

    def __init__(self, widths: Sequence[int], blocks: int):
        super().__init__()
        pairs = list(pairwise(widths))
        self.grain = 2 ** len(widths)
        self.head = _conv(3 * 4 + 1, widths[0])
        self.down = nn.ModuleList(nn.Sequential(*(Block(width) for _ in range(blocks))) for width in widths)
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2, bias=False) for a, b in pairs)
        self.widen = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2, bias=False) for a, b in pairs)
        self.up = nn.ModuleList(nn.Sequential(*(Block(width) for _ in range(blocks))) for width in widths)
        self.tail = _conv(widths[0], 3 * 4)
        self.inner: torch.dtype | None = None

    def inner_in(self, dtype: torch.dtype) -> None:
        """Have all layers but the first and the last compute in this precision: those two meet pictures, whose noise may be
        finer than bfloat16 can tell."""
        for part in (self.down, self.narrow, self.widen, self.up):
            part.to(dtype)
        self.inner = dtype

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        _, _, height, width = x.shape
        padded = F.pad(x, (0, -width % self.grain, 0, -height % self.grain), mode="replicate")
        small = F.pixel_unshuffle(padded, 2)
        h = self.head(torch.cat([small, sigma.view(-1, 1, 1, 1).expand(-1, 1, *small.shape[2:])], 1))
        h = h if self.inner is None else h.to(self.inner)
        kept: list[Tensor] = []
        for level, blocks in enumerate(self.down):
            h = blocks(h)
            if level < len(self.narrow):
                kept.append(h)
                h = self.narrow[level](h)
        for level in reversed(range(len(self.up))):
            h = self.up[level](h)
            if level:
                h = self.widen[level - 1](h) + kept[level - 1]
        return x - F.pixel_shuffle(self.tail(h.to(x.dtype)), 2)[..., :height, :width]
