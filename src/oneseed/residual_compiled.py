"""What each frame adds, Σ_t S_t K_t A_n B_n, and its way back, compiled for a CPU with AVX-512.

A tile of eight rows and 32 columns at a time: r = A_n B_n there for all channels, which the first cache holds, then its taps,
sums in registers all of them (`products.py`). The way back reads Sᵀ g where it lies.
"""

from functools import cache

import numpy as np
from llvmlite.binding import get_host_cpu_features
from torch import Tensor
from torch.nn.functional import pad

from oneseed.jit import jit, serves
from oneseed.lanes import add, load, store
from oneseed.last_layer import LastLayer
from oneseed.products import product

ROWS, COLUMNS, TAPS = 8, 32, 27
"""Of a tile; and taps, each with its three colours."""

HALF = COLUMNS // 2
"""Numbers of a register, in 32 bits."""

_tile, _nine = product(ROWS, COLUMNS, onto=False), product(9, COLUMNS, onto=False)
_onto_tile, _onto_half = product(ROWS, COLUMNS, onto=True), product(ROWS, HALF, onto=True)


def takes(A: Tensor, B: Tensor, layer: LastLayer) -> bool:
    """Whether this file can serve them."""
    whole = A.shape[1] % ROWS == A.shape[2] % ROWS == B.shape[-1] % COLUMNS == 0
    return serves(A, B) and whole and layer.weight.shape[2:] == (3, 3) and _wide()


@cache
def _wide() -> bool:
    """Whether the processor has registers enough."""
    return bool(get_host_cpu_features().get("avx512f"))


def add_residual(x: Tensor, A: Tensor, B: Tensor, K: Tensor) -> None:
    """x += Σ_t S_t K_t A B of one frame: 3 H W, C H k, C k W, and `LastLayer.mixing`."""
    A, B = _filled(A, B)
    _add_residual(A.numpy(), B.numpy(), K.numpy(), x.numpy())


def residual_back(g: Tensor, A: Tensor, B: Tensor, K: Tensor, dA: Tensor, dB: Tensor) -> None:
    """dA = (Kᵀ Sᵀ g) Bᵀ and dB = Aᵀ (Kᵀ Sᵀ g) of one frame."""
    A, B = _filled(A, B)
    filled = A.shape != dA.shape
    more_A, more_B = (A.new_empty(A.shape), B.new_empty(B.shape)) if filled else (dA, dB)
    _residual_back(g.numpy(), A.numpy(), B.numpy(), K.numpy(), more_A.numpy(), more_B.numpy())
    if filled:
        rank = dA.shape[-1]
        dA.copy_(more_A[..., :rank])
        dB.copy_(more_B[:, :rank])


def _filled(A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    """The rank filled up with 0 until its numbers fill registers."""
    lack = -A.shape[-1] % HALF
    return (pad(A, (0, lack)), pad(B, (0, 0, 0, lack))) if lack else (A.contiguous(), B.contiguous())


@jit
def _add_residual(A, B, K, x):
    channels, height, rank = A.shape
    width = B.shape[2]
    sums = np.zeros((3, height + 2, width + COLUMNS), x.dtype)  # with a pixel around, and room
    pitch = sums.shape[2]
    r, taps = np.empty(channels * ROWS * COLUMNS, x.dtype), np.empty(TAPS * ROWS * COLUMNS, x.dtype)
    by_rank, by_channel = np.arange(rank) * width, np.arange(channels) * (ROWS * COLUMNS)
    for j in range(0, width, COLUMNS):
        for i in range(0, height, ROWS):
            for c in range(channels):  # r = A B
                tile, rows, columns = c * ROWS * COLUMNS, (c * height + i) * rank, c * rank * width + j
                _tile(r, tile, COLUMNS, A, rows, rank, 1, B, columns, by_rank)
            for p in range(ROWS):
                for t in range(0, TAPS, 9):  # K r
                    place = (t * ROWS + p * 9) * COLUMNS
                    _nine(taps, place, COLUMNS, K, t * channels, channels, 1, r, p * COLUMNS, by_channel)
            for b in range(3):  # Σ_t S_t: rows of taps first, which need not be shifted
                for q in range(ROWS + 2):
                    for k in range(3):
                        place = (k * (height + 2) + i + q) * pitch + j + 2 - b
                        given = load(sums, place, COLUMNS)
                        for a in range(max(2 - q, 0), min(ROWS + 2 - q, 3)):
                            given = add(given, load(taps, ((a * ROWS + q + a - 2) * 9 + 3 * b + k) * COLUMNS, COLUMNS))
                        store(sums, place, given)
    for k in range(3):
        for i in range(height):
            out, more = x[k, i], sums[k, i + 1, 1:]
            for j in range(width):
                out[j] += more[j]


@jit
def _residual_back(g, A, B, K, dA, dB):
    channels, height, rank = A.shape
    width = B.shape[2]
    around = np.zeros((3, height + 2, width + COLUMNS), g.dtype)  # g with a pixel of 0 around it, and room
    around[:, 1 : height + 1, 1 : width + 1] = g
    pitch = around.shape[2]
    shifts = np.empty(TAPS, np.int64)
    for t in range(TAPS):
        a, b, k = t // 9, t // 3 % 3, t % 3
        shifts[t] = (k * (height + 2) + 2 - a) * pitch + 2 - b
    dr, across = np.empty(channels * ROWS * COLUMNS, g.dtype), np.empty((channels, COLUMNS, rank), g.dtype)
    by_row, by_column = np.arange(ROWS) * COLUMNS, np.arange(COLUMNS) * rank
    dA[:], dB[:] = 0, 0
    for j in range(0, width, COLUMNS):
        for c in range(channels):  # Bᵀ
            for k in range(rank):
                for m in range(COLUMNS):
                    across[c, m, k] = B[c, k, j + m]
        for i in range(0, height, ROWS):
            for p in range(ROWS):  # Kᵀ Sᵀ g
                for c in range(0, channels, ROWS):
                    place = (c * ROWS + p) * COLUMNS
                    _tile(dr, place, ROWS * COLUMNS, K, c, 1, channels, around, (i + p) * pitch + j, shifts)
            for c in range(channels):
                tile, rows = c * ROWS * COLUMNS, (c * height + i) * rank
                for k in range(0, rank, ROWS):
                    _onto_tile(dB, (c * rank + k) * width + j, width, A, rows + k, 1, rank, dr, tile, by_row)
                for k in range(0, rank, HALF):
                    first = c * COLUMNS * rank + k
                    _onto_half(dA, rows + k, rank, dr, tile, COLUMNS, 1, across, first, by_column)
