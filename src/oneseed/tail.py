"""All frames from what they share and what each adds, x_n = D1(W_n(h) + r_n) (eq 12), without one feature map of a frame.

D1 is one convolution, D1(u) = b + Σ_t S_t K_t u: tap t mixes channels by K_t and shifts pixels by S_t, zeros around. Mixing
commutes with motion and shifting does not care what it shifts, so

    x_n = b + Σ_t S_t (W_n K_t h + K_t A_n B_n).

K h is made once for all frames; K A_n B_n in tiles or bands that stay in the processor's cache, there and again on the way
back, where Σ_t S_tᵀ g_n is all that is needed. What is held grows with the frames by their factors and pixels alone.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from oneseed import moved_compiled, residual_compiled, tail_triton
from oneseed.jit import each, serves
from oneseed.last_layer import LastLayer
from oneseed.shapes import Frames
from oneseed.warp import Warp

BAND = 2**18
"""Values of r that each thread of a CPU makes at a time: 1 MiB. Elsewhere a frame."""


Learn = Callable[[int, Tensor, Tensor], None]
"""Told n, and what A_n and B_n receive; by several threads, of different frames."""


def frames_beside(
    h: Tensor, A: Tensor, B: Tensor, layer: LastLayer, motion: Sequence[Warp], learn: Learn | None = None
) -> Frames:
    """x, N 3 H W, with gradients for h, A and B.

    Args:
        h: what all share, 1 C H W.
        A: N C H k.
        B: N C k W.
        motion: W_n for every frame; empty: all frames share h as it is.
        learn: told of each frame as soon as the way back is through with it, and may change A_n and B_n then; A and B
            receive nothing. On a GPU with Triton it is not asked, and they do.
    """
    return _Beside.apply(h, A, B, layer, motion, learn)  # type: ignore[no-any-return]


class _Beside(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, h: Tensor, A: Tensor, B: Tensor, layer: LastLayer, motion: Sequence[Warp], learn: Learn | None
    ) -> Tensor:
        ctx.save_for_backward(A, B)
        ctx.layer, ctx.motion, ctx.learn = layer, motion, learn
        x = h.new_empty(len(A), 3, A.shape[2], B.shape[-1])
        if motion and moved_compiled.takes(h, layer, motion):
            moved_compiled.move(x, h, layer, motion)
        else:
            _move(x, h, layer, motion)
        _add_residuals(x, A, B, layer)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        A, B = ctx.saved_tensors
        layer, motion, g = ctx.layer, ctx.motion, g.contiguous()
        dh = None  # first, for what it takes is let go of before factors receive anything
        if ctx.needs_input_grad[0]:
            ours = motion and moved_compiled.takes(g, layer, motion)
            dh = (moved_compiled.move_back if ours else _move_back)(g, layer, motion)
        return dh, *_residuals_back(g, A, B, layer, ctx.learn), None, None, None


def _move(x: Frames, h: Tensor, layer: LastLayer, motion: Sequence[Warp]) -> None:
    """x = b + Σ_t S_t W_n K_t h, by the tables of W_n."""
    if not motion:
        x.copy_(layer(h).expand_as(x))
        return
    K = layer.mixing()
    shared = F.conv2d(h, K[:, :, None, None])  # K h
    x.copy_(layer.bias[:, None, None].expand_as(x))
    for frame, warp in zip(x, motion, strict=True):
        _add_taps(layer.apart(warp(shared)[0]), 0, layer, frame)


def _move_back(g: Frames, layer: LastLayer, motion: Sequence[Warp]) -> Tensor:
    """Σ_n W_nᵀ Kᵀ Sᵀ g_n, by the convolution's own transpose: channels side by side, as W_nᵀ reads them."""
    layer = layer.laid_out(torch.channels_last)
    if not motion:
        return layer.transposed(g.sum(0, keepdim=True).contiguous(memory_format=torch.channels_last))
    g = g.contiguous(memory_format=torch.channels_last)
    return reduce(Tensor.add_, (warp.adjoint(layer.transposed(one[None])) for warp, one in zip(motion, g, strict=True)))


def _add_residuals(x: Frames, A: Tensor, B: Tensor, layer: LastLayer) -> None:
    """x += Σ_t S_t K_t A_n B_n."""
    if tail_triton.takes(A):
        tail_triton.add_residual(x, A, B, layer.weight)
        return
    A, B, K, compiled = A.detach(), B.detach(), layer.mixing().detach(), residual_compiled.takes(A, B, layer)

    def some(frames: range) -> None:
        add = residual_compiled.add_residual if compiled else partial(_add_residual, layer, _bands(A, K, B.shape[-1]))
        for n in frames:
            add(x[n], A[n], B[n], K)

    _divided(A, some)


def _residuals_back(
    g: Frames, A: Tensor, B: Tensor, layer: LastLayer, learn: Learn | None
) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """What A and B receive, unless it is told to `learn`."""
    if tail_triton.takes(A):
        return tail_triton.residual_back(g, A, B, layer.weight)
    A, B, K, compiled = A.detach(), B.detach(), layer.mixing().detach(), residual_compiled.takes(A, B, layer)
    received = None if learn else (A.new_empty(A.shape), B.new_empty(B.shape))

    def some(frames: range) -> None:
        back = (
            residual_compiled.residual_back if compiled else partial(_residual_back, layer, _bands(A, K, B.shape[-1]))
        )
        place = None if received else (A.new_empty(A.shape[1:]), B.new_empty(B.shape[1:]))
        for n in frames:
            dA, dB = place or (whole[n] for whole in received or ())
            back(g[n], A[n], B[n], K, dA, dB)
            if learn:
                learn(n, dA, dB)

    _divided(A, some)
    return received or (None, None)


Bands = list[tuple[slice, Tensor, Tensor]]
"""Rows after rows of a frame, a place for their values of r, and one for what the taps make of them."""


def _add_residual(layer: LastLayer, bands: Bands, x: Tensor, A: Tensor, B: Tensor, K: Tensor) -> None:
    """x += Σ_t S_t K_t A B of one frame."""
    for rows, band, taps in bands:
        torch.matmul(A[:, rows], B, out=band)
        torch.mm(K, band.flatten(1), out=taps.flatten(1))
        _add_taps(layer.apart(taps), rows.start, layer, x)


def _residual_back(
    layer: LastLayer, bands: Bands, g: Tensor, A: Tensor, B: Tensor, K: Tensor, dA: Tensor, dB: Tensor
) -> None:
    """dA = (Kᵀ Sᵀ g) Bᵀ and dB = Aᵀ (Kᵀ Sᵀ g) of one frame."""
    dB.zero_()
    for rows, band, taps in bands:
        _spread_taps(g, rows.start, layer, layer.apart(taps))
        torch.mm(K.T, taps.flatten(1), out=band.flatten(1))
        dA[:, rows] = band @ B.mT
        dB.baddbmm_(A[:, rows].mT, band)


def _divided(A: Tensor, work: Callable[[range], None]) -> None:
    """`work` on all frames; on a CPU each thread takes some."""
    parts = min(torch.get_num_threads(), len(A)) if serves(A) else 1
    if parts == 1:
        work(range(len(A)))
    else:
        each(lambda part: work(range(part, len(A), parts)), range(parts))


def _bands(A: Tensor, K: Tensor, width: int) -> Bands:
    (_, channels, height, _), taps = A.shape, len(K)
    count = min(max(BAND // (channels * width), 1), height) if A.device.type == "cpu" else height
    place, bands = A.new_empty((channels + taps) * count * width), []
    for first in range(0, height, count):
        last = min(first + count, height)
        whole = place[: (channels + taps) * (last - first) * width].view(-1, last - first, width)
        bands.append((slice(first, last), *whole.split((channels, taps))))
    return bands


def _reached(first: int, count: int, layer: LastLayer, height: int, width: int) -> Iterator[tuple[Any, Any]]:
    """For every tap and rows from `first` on, the pixels that it reaches, and from which of these rows."""
    down, right = layer.sides
    for i in range(-down, down + 1):
        above, below = max(first - i, 0), max(min(first + count - i, height), 0)
        for j in range(-right, right + 1):
            here = ..., slice(above, below), slice(max(-j, 0), width - max(j, 0))
            there = ..., slice(above + i - first, max(below + i - first, 0)), slice(max(j, 0), width + min(j, 0))
            yield here, there


def _add_taps(taps: Tensor, first: int, layer: LastLayer, x: Tensor) -> None:
    """x += Σ_t S_t taps_t of one frame, for rows from `first` on."""
    reached = _reached(first, taps.shape[3], layer, *x.shape[1:])
    for tap, (here, there) in zip(taps.flatten(0, 1), reached, strict=True):
        x[here] += tap[there]


def _spread_taps(g: Tensor, first: int, layer: LastLayer, taps: Tensor) -> None:
    """taps_t = S_tᵀ g of one frame, for rows from `first` on."""
    taps.zero_()
    reached = _reached(first, taps.shape[3], layer, *g.shape[1:])
    for tap, (here, there) in zip(taps.flatten(0, 1), reached, strict=True):
        tap[there] = g[here]
