"""All frames from what they share and what each adds, x_n = D1(W_n(h) + r_n) (eq 12), without one feature map of a frame.

D1 is one convolution, D1(u) = b + Σ_t S_t K_t u: tap t mixes channels by K_t and shifts pixels by S_t, zeros around. Mixing
commutes with motion and shifting does not care what it shifts, so

    x_n = b + Σ_t S_t (W_n K_t h + K_t A_n B_n).

K h is made once for all frames; K A_n B_n in bands of rows that stay in the processor's cache, there and again on the way
back, where Σ_t S_tᵀ g_n is all that is needed. What is held grows with the frames by their factors and pixels alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from oneseed.shapes import Frames
from oneseed.warp import Warp

BAND = 2**18
"""Values of r that are made at a time on a CPU: 1 MiB. Elsewhere a frame."""


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
        """The plain version of what this file is about."""
        return F.conv2d(feature, self.weight, self.bias, padding=self.sides)

    def transposed(self, g: Frames) -> Tensor:
        """Kᵀ Sᵀ g."""
        return F.conv_transpose2d(g, self.weight, padding=self.sides)

    def laid_out(self, layout: torch.memory_format) -> "LastLayer":
        """The same; what it takes and gives is best in that layout."""
        return LastLayer(self.weight.contiguous(memory_format=layout), self.bias)

    def mixing(self) -> Float[Tensor, "T C"]:
        """K: all taps one below the other, each with its three colours."""
        return self.weight.permute(2, 3, 0, 1).flatten(0, 2)


def frames_beside(h: Tensor, A: Tensor, B: Tensor, layer: LastLayer, motion: Sequence[Warp]) -> Frames:
    """x, N 3 H W, with gradients for h, A and B.

    Args:
        h: what all share, 1 C H W.
        A: N C H k.
        B: N C k W.
        motion: W_n for every frame; empty: all frames share h as it is.
    """
    return _Beside.apply(h, A, B, layer, motion)  # type: ignore[no-any-return]


class _Beside(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, A: Tensor, B: Tensor, layer: LastLayer, motion: Sequence[Warp]) -> Tensor:
        ctx.save_for_backward(A, B)
        ctx.layer, ctx.motion = layer, motion
        K, (frames, _, height, _), width = layer.mixing(), A.shape, B.shape[-1]
        shared = F.conv2d(h, K[:, :, None, None])  # K h
        x = h.new_empty(frames, 3, height, width)
        taps = h.new_empty(len(K), height, width)
        for n in range(frames):
            _copy(motion[n](shared) if motion else shared, taps)  # W_n K h
            for rows, band in _bands(A[n], width):
                torch.matmul(A[n, :, rows], B[n], out=band)
                taps[:, rows].view(len(K), -1).addmm_(K, band.view(len(band), -1))  # + K A_n B_n
            _gather(taps, layer, x[n])
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        A, B = ctx.saved_tensors
        layer, motion = ctx.layer, ctx.motion
        K, width = layer.mixing(), B.shape[-1]
        dA, dB = torch.empty_like(A), torch.zeros_like(B)
        taps = g.new_zeros(len(K), *g.shape[2:])  # Sᵀ g_n; what no tap reaches stays 0
        for n in range(len(A)):
            _spread(g[n], layer, taps)
            for rows, band in _bands(A[n], width):
                torch.mm(K.T, taps[:, rows].view(len(K), -1), out=band.view(len(band), -1))  # Kᵀ Sᵀ g_n
                dA[n, :, rows] = band @ B[n].mT
                dB[n].baddbmm_(A[n, :, rows].mT, band)
        dh = _shared_back(g, layer, motion) if ctx.needs_input_grad[0] else None
        return dh, dA, dB, None, None


def _shared_back(g: Frames, layer: LastLayer, motion: Sequence[Warp]) -> Tensor:
    """Σ_n W_nᵀ Kᵀ Sᵀ g_n, by the convolution's own transpose: channels side by side, as W_nᵀ reads them."""
    layer = layer.laid_out(torch.channels_last)
    if not motion:
        return layer.transposed(g.sum(0, keepdim=True).contiguous(memory_format=torch.channels_last))
    g = g.contiguous(memory_format=torch.channels_last)
    return reduce(Tensor.add_, (warp.adjoint(layer.transposed(one[None])) for warp, one in zip(motion, g, strict=True)))


def _copy(x: Tensor, planes: Tensor) -> None:
    """One frame with its channels side by side to planes; as matrices, for by strides it takes ten times as long."""
    planes.flatten(1).copy_(x.permute(0, 2, 3, 1).flatten(0, 2).T)


def _bands(A: Tensor, width: int) -> Iterator[tuple[slice, Tensor]]:
    """Rows after rows of one frame, and a place for their values of r."""
    channels, height, _ = A.shape
    count = min(max(BAND // (channels * width), 1), height) if A.device.type == "cpu" else height
    place = A.new_empty(channels * count * width)
    for first in range(0, height, count):
        last = min(first + count, height)
        yield slice(first, last), place[: channels * (last - first) * width].view(channels, last - first, width)


def _shifts(layer: LastLayer, height: int, width: int) -> Iterator[tuple[Any, Any]]:
    """For every tap, the pixels that it reaches, and from where."""
    down, right = layer.sides
    for i in range(-down, down + 1):
        for j in range(-right, right + 1):
            here = ..., slice(max(-i, 0), height - max(i, 0)), slice(max(-j, 0), width - max(j, 0))
            there = ..., slice(max(i, 0), height + min(i, 0)), slice(max(j, 0), width + min(j, 0))
            yield here, there


def _gather(taps: Tensor, layer: LastLayer, x: Tensor) -> None:
    """x = b + Σ_t S_t taps_t."""
    x.copy_(layer.bias[:, None, None].expand_as(x))
    for tap, (here, there) in zip(taps.unflatten(0, (-1, 3)), _shifts(layer, *x.shape[1:]), strict=True):
        x[here] += tap[there]


def _spread(g: Tensor, layer: LastLayer, taps: Tensor) -> None:
    """taps_t = S_tᵀ g, where taps are 0 outside."""
    for tap, (here, there) in zip(taps.unflatten(0, (-1, 3)), _shifts(layer, *g.shape[1:]), strict=True):
        tap[there] = g[here]
