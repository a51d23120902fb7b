"""The kernels of `tail_triton`. To import this file is to import triton.

A tile is ROWS x COLUMNS pixels with all taps of each. Taps lie along an axis that no two threads share, so that a thread
applies K to its pixels by multiply-adds between registers, and sums over taps by itself. That is where the time goes: in
one pixel and channel 27 multiply-adds of taps stand beside 16 of the rank. The small products over the rank are `tl.dot`
in true float32: as many instructions as three products in TF32 would be, and fewer barriers.
"""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import triton
import triton.language as tl


def _jit(function: Callable[..., Any]) -> Any:
    return triton.jit(unwrap(function))  # without the checks that tests put around it


@_jit
def mix(
    A, B, K, taps, height, width, channels, rank,
    a_frame, a_channel, a_row, a_rank, b_frame, b_channel, b_rank, b_column,
    COUNT: tl.constexpr, TAPS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, RANK: tl.constexpr,
):  # fmt: skip
    """taps_t = K_t A_n B_n: a program makes one tile of one frame."""
    n = tl.program_id(1).to(tl.int64)
    across = tl.cdiv(width, COLUMNS)
    i = tl.program_id(0) // across * ROWS + tl.arange(0, ROWS)
    j = tl.program_id(0) % across * COLUMNS + tl.arange(0, COLUMNS)
    r, t = tl.arange(0, RANK), tl.arange(0, TAPS)
    left = A + n * a_frame + i[:, None] * a_row + r[None, :] * a_rank
    right = B + n * b_frame + r[:, None] * b_rank + j[None, :] * b_column
    in_left = (i < height)[:, None] & (r < rank)[None, :]
    in_right = (r < rank)[:, None] & (j < width)[None, :]
    total = tl.zeros((TAPS, ROWS, COLUMNS), tl.float32)
    for c in range(channels):
        k = tl.load(K + c * TAPS + t)
        a = tl.load(left + c * a_channel, in_left, 0.0)
        b = tl.load(right + c * b_channel, in_right, 0.0)
        total += k[:, None, None] * tl.dot(a, b, input_precision="ieee")[None, :, :]
    pixel = i[:, None] * width + j[None, :]
    inside = (i < height)[:, None] & (j < width)[None, :]
    place = taps + (n * COUNT + t[:, None, None]) * height * width + pixel[None, :, :]
    tl.store(place, total, (t < COUNT)[:, None, None] & inside[None, :, :])


@_jit
def gather(taps, x, height, width, DOWN: tl.constexpr, ACROSS: tl.constexpr, PIXELS: tl.constexpr):
    """x_n += Σ_t S_t taps_t: a program makes PIXELS of one colour. Taps are in the order down, across, colour."""
    colour, n = tl.program_id(1), tl.program_id(2).to(tl.int64)
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    i, j = pixel // width, pixel % width
    taps += (n * DOWN * ACROSS * 3 + colour) * height * width
    place = x + (n * 3 + colour) * height * width + pixel
    total = tl.load(place, i < height, 0.0)
    for a in tl.static_range(DOWN):  # type: ignore[attr-defined]
        for b in tl.static_range(ACROSS):  # type: ignore[attr-defined]
            row, column = i + a - DOWN // 2, j + b - ACROSS // 2
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            total += tl.load(taps + (a * ACROSS + b) * 3 * height * width + row * width + column, inside, 0.0)
    tl.store(place, total, i < height)


@_jit
def back(
    g, A, K, dB, height, width, channels, rank,
    a_frame, a_channel, a_row, a_rank, b_frame, b_channel, b_rank, b_column,
    DOWN: tl.constexpr, ACROSS: tl.constexpr, TAPS: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, RANK: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    """dB_n += A_nᵀ Kᵀ Sᵀ g_n: a program owns COLUMNS columns of GROUP channels, and goes down the rows."""
    n = tl.program_id(2).to(tl.int64)
    first = tl.program_id(1) * GROUP
    begin = tl.program_id(0) * COLUMNS
    p, r, t = tl.arange(0, ROWS * COLUMNS), tl.arange(0, RANK), tl.arange(0, TAPS)
    down, across, colour = t // (3 * ACROSS) - DOWN // 2, t // 3 % ACROSS - ACROSS // 2, t % 3
    column = begin + p[None, :] % COLUMNS - across[:, None]
    in_column = (t < DOWN * ACROSS * 3)[:, None] & (column >= 0) & (column < width)
    seen = g + (n * 3 + colour[:, None]) * height * width + column
    j = begin + tl.arange(0, COLUMNS)
    owned = dB + n * b_frame + r[:, None] * b_rank + j[None, :] * b_column
    in_owned = (r < rank)[:, None] & (j < width)[None, :]
    for start in range(0, height, ROWS):
        row = start + p[None, :] // COLUMNS - down[:, None]
        spread = tl.load(seen + row * width, in_column & (row >= 0) & (row < height), 0.0)  # Sᵀ g
        i = start + tl.arange(0, ROWS)
        left = A + n * a_frame + r[:, None] * a_rank + i[None, :] * a_row
        in_left = (r < rank)[:, None] & (i < height)[None, :]
        for c in range(first, tl.minimum(first + GROUP, channels)):
            place = owned + c * b_channel
            before = tl.load(place, in_owned, 0.0)
            a = tl.load(left + c * a_channel, in_left, 0.0)
            u = tl.sum(tl.load(K + c * TAPS + t)[:, None] * spread, 0)  # Kᵀ Sᵀ g
            part = tl.dot(a, tl.reshape(u, (ROWS, COLUMNS)), input_precision="ieee")
            tl.store(place, before + part, in_owned)
        tl.debug_barrier()  # what is stored here is read for the next rows
