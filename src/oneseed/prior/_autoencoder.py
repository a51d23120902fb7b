"""The auto-encoder of `tiny`: a linear transform of 8 x 8 pixels, and networks that add what it cannot.

The linear part is a truncated principal component analysis to begin with, so that training starts where linear coding ends.
Most of the decoder's work is done at low resolution; its last layer is one convolution at full resolution, linear in the
feature.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 8  # pixels of a latent, each way
PATCH = 3 * SIDE**2


class Block(nn.Module):
    """x + two convolutions of relu(x); the identity to begin with."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu_(self.first(F.relu(x))))


class Shuffle(nn.Module):
    """Four channels to the four pixels of one: PixelShuffle(2)."""

    beside = False
    """Whether what goes to one pixel comes side by side: for other weights the same, and ten times as fast, channels last."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.beside:
            return F.pixel_shuffle(x, 2)
        n, channels, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(n, height, width, 2, 2, channels // 4).transpose(2, 3)
        return pixels.reshape(n, 2 * height, 2 * width, channels // 4).permute(0, 3, 1, 2)

    def put_beside_(self, layer: nn.Conv2d) -> None:
        """Have the layer in front of it, whose weights are for PixelShuffle, give what goes to one pixel side by side."""
        for parameter in (layer.weight, layer.bias):
            assert parameter is not None
            parameter.copy_(
                parameter.unflatten(0, (-1, 2, 2)).permute(1, 2, 0, *range(3, parameter.ndim + 2)).flatten(0, 2)
            )
        self.beside = True


class _AddFirst(torch.autograd.Function):
    """feature[:, :3] += picture, in place; what the feature was made from must not ask for it on the way back.

    Autograd is not told that it is in place: on the way back through a view it would copy the gradient three times.
    """

    @staticmethod
    def forward(ctx, feature: Tensor, picture: Tensor) -> Tensor:  # type: ignore[override]
        ctx.channels = picture.shape[1]
        feature[:, : ctx.channels] += picture
        return feature.detach()

    @staticmethod
    def backward(ctx, gradient: Tensor):  # type: ignore[override]
        return gradient, gradient[:, : ctx.channels]


def _blocks(channels: int, count: int) -> list[nn.Module]:
    return [Block(channels) for _ in range(count)]


class Encoder(nn.Module):
    """Pictures in [0, 1], sides multiples of 8, to latents of about unit variance."""

    def __init__(self, latent_channels: int, widths: Sequence[int], blocks: Sequence[int]):
        super().__init__()
        low, middle, *_ = widths
        self.linear = nn.Conv2d(PATCH, latent_channels, 1)
        self.detail = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(3 * 4**2, middle, 3, padding=1),
            *_blocks(middle, blocks[1]),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * middle, low, 1),
            *_blocks(low, blocks[0]),
            nn.ReLU(),
            _silent(nn.Conv2d(low, latent_channels, 3, padding=1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(F.pixel_unshuffle(x - 0.5, SIDE)) + self.detail(x - 0.5)


class Decoder(nn.Module):
    """Latents to pictures: `body` is D2, `tail` is D1.

    Args:
        widths: channels at 1/8, 1/4 and 1/2 of the resolution.
        blocks: how many there, each.
        feature_channels: at full resolution, where residuals enter; the first three begin as the picture itself.
    """

    def __init__(self, latent_channels: int, widths: Sequence[int], blocks: Sequence[int], feature_channels: int):
        super().__init__()
        self.linear = nn.Conv2d(latent_channels, PATCH, 1)
        layers: list[nn.Module] = [nn.Conv2d(latent_channels, widths[0], 3, padding=1)]
        for width, count, wider, size in zip(widths, blocks, [*widths[1:], feature_channels], (1, 1, 3), strict=True):
            layers += [*_blocks(width, count), nn.ReLU(), nn.Conv2d(width, 4 * wider, size, padding=size // 2)]
            layers += [Shuffle()]
        layers.insert(-1, nn.ReLU(inplace=True))
        self.detail = nn.Sequential(*layers)
        self.tail = nn.Conv2d(feature_channels, 3, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            self.tail.weight[:, :3] = 0
            self.tail.weight[range(3), range(3), 1, 1] = 1
            self.tail.bias.fill_(0.5)  # type: ignore[union-attr]

    def body(self, latent: Tensor) -> Tensor:
        picture = F.pixel_shuffle(self.linear(latent), SIDE)
        return _AddFirst.apply(self.detail(latent), picture)  # type: ignore[no-any-return]

    @torch.no_grad()
    def put_beside_(self) -> None:
        """The same, faster with channels last; not for training."""
        layers = list(self.detail)
        for number, layer in enumerate(layers):
            if isinstance(layer, Shuffle):
                before = next(before for before in reversed(layers[:number]) if isinstance(before, nn.Conv2d))
                layer.put_beside_(before)

    def body_to(self, dtype: torch.dtype) -> None:
        """D2's precision; D1 keeps its own."""
        self.linear.to(dtype)
        self.detail.to(dtype)

    def forward(self, latent: Tensor) -> Tensor:
        return self.tail(self.body(latent))


def _silent(layer: nn.Conv2d) -> nn.Conv2d:
    """Gives nothing to begin with."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer
