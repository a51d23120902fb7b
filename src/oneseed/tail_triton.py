"""What each frame adds, Σ_t S_t K_t A_n B_n (see `tail`), there and back on a GPU, by kernels that write no feature map.

There, a program makes A_n B_n for a tile of pixels, one channel after the other, and folds it into K's taps at once; then
the taps are gathered. Back, a program makes Kᵀ Sᵀ g_n for a tile and multiplies it by a factor at once. It owns what it
writes: no atomics, the same bytes every time. To transpose the frames is to exchange the factors, (A B)ᵀ = Bᵀ Aᵀ, so that
what serves one gradient serves the other.
"""

import os
from importlib.util import find_spec
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

ROWS, COLUMNS = 16, 32
"""Of a tile. 32 taps of it fill 128 registers of each of 128 threads, the most that lets two programs share a
multiprocessor; 16 is the least that `tl.dot` takes."""

GROUP = 32
"""Channels of one program on the way back. What it owns, 32 x 16 x 32 values, stays in the first cache from tile to tile;
and what it reads of g serves 32 channels, while 25 frames of 512 x 512 still give every multiprocessor many programs."""

PIXELS = 512
"""Of one program that gathers taps."""

LAUNCH = {"num_stages": 2, "enable_fp_fusion": True}
"""Loads one channel ahead. Multiply and add are one instruction, whatever Triton's default: K takes most of the time."""

HELD = 2**25
"""Values of taps that are held at a time, 128 MiB: four frames of 512 x 512, enough programs to keep a GPU busy."""


def takes(A: Tensor) -> bool:
    """Whether this file can serve such a factor, and should: float32 on a GPU, or anywhere under Triton's interpreter."""
    real = type(A) in (Tensor, torch.nn.Parameter)  # and none that has a size alone, of which memory is estimated
    here = A.device.type == "cuda" or os.environ.get("TRITON_INTERPRET") == "1"
    return real and here and A.dtype == torch.float32 and find_spec("triton") is not None


def add_residual(
    x: Float[Tensor, "N 3 H W"],
    A: Float[Tensor, "N C H r"],
    B: Float[Tensor, "N C r W"],
    weight: Float[Tensor, "3 C k l"],
) -> None:
    """x_n += Σ_t S_t K_t A_n B_n, the convolution of A_n B_n with zeros around, in place.

    Args:
        x: contiguous.
        weight: of the last layer; k and l odd.
    """
    assert x.is_contiguous()
    from oneseed import _tail_kernels as kernels

    (frames, channels, height, rank), width, (down, across) = A.shape, B.shape[-1], weight.shape[2:]
    count = 3 * down * across
    some = max(HELD // (count * height * width), 1)
    taps, K = x.new_empty(min(some, frames), count, height, width), _mixing(weight)
    tiles = -(-height // ROWS) * -(-width // COLUMNS)
    with torch.cuda.device_of(x):
        for first in range(0, frames, some):
            a, b, out = (t[first : first + some] for t in (A, B, x))
            kernels.mix[(tiles, len(out))](
                a, b, K, taps, height, width, channels, rank, *a.stride(), *b.stride(), COUNT=count, **_options(K, rank)
            )  # fmt: skip
            grid = -(-height * width // PIXELS), 3, len(out)
            kernels.gather[grid](taps, out, height, width, DOWN=down, ACROSS=across, PIXELS=PIXELS, **LAUNCH)


def residual_back(
    g: Float[Tensor, "N 3 H W"],
    A: Float[Tensor, "N C H r"],
    B: Float[Tensor, "N C r W"],
    weight: Float[Tensor, "3 C k l"],
) -> tuple[Float[Tensor, "N C H r"], Float[Tensor, "N C r W"]]:
    """Gradients for A and B of the inner product of g with what `add_residual` adds.

    dA_n = (Kᵀ Sᵀ g_n) B_nᵀ and dB_n = A_nᵀ (Kᵀ Sᵀ g_n).
    """
    dA, dB = torch.zeros_like(A), torch.zeros_like(B)
    _add_back(g, A, weight, dB)
    _add_back(g.mT, B.mT, weight.mT, dA.mT)
    return dA, dB


def _add_back(g: Tensor, A: Tensor, weight: Tensor, dB: Tensor) -> None:
    """dB_n += A_nᵀ Kᵀ Sᵀ g_n."""
    from oneseed import _tail_kernels as kernels

    (frames, channels, height, rank), width, (down, across) = A.shape, dB.shape[-1], weight.shape[2:]
    K = _mixing(weight)
    with torch.cuda.device_of(g):
        kernels.back[(-(-width // COLUMNS), -(-channels // GROUP), frames)](
            g.contiguous(), A, K, dB, height, width, channels, rank, *A.stride(), *dB.stride(),
            DOWN=down, ACROSS=across, GROUP=GROUP, **_options(K, rank),
        )  # fmt: skip


def _mixing(weight: Tensor) -> Float[Tensor, "C T"]:
    """Kᵀ, all taps side by side in the order down, across, colour, and zeros up to a power of two."""
    K = weight.detach().permute(1, 2, 3, 0).flatten(1)
    return F.pad(K, (0, _power_of_two(K.shape[1]) - K.shape[1])).contiguous()


def _options(K: Tensor, rank: int) -> dict[str, Any]:
    """Sizes of a tile, and as many threads as keep its taps in registers."""
    taps = K.shape[1]
    sizes = {"TAPS": taps, "ROWS": ROWS, "COLUMNS": COLUMNS, "RANK": max(_power_of_two(rank), 16)}
    return {**sizes, "num_warps": min(max(taps // 8, 4), 32), **LAUNCH}


def _power_of_two(count: int) -> int:
    """The least that is no smaller."""
    return 1 << (count - 1).bit_length()
