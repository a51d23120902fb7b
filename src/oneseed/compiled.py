"""W, Wᵀ and (S − W)ᵀ c (S − W), compiled for a CPU: neighbours and weights are made where they are used, and kept nowhere.

Frames are read from tables that are a little larger, the border repeated, with the colours of a pixel beside each other: what a
pixel reads of a row is then one register, wherever it lies. The plain version are the tables of `sampling`: 256 bytes for
each pixel of a cubic warp and its transpose, which take longer to make than to use.
"""

from collections.abc import Sequence
from inspect import unwrap
from typing import Any, NamedTuple

import numpy as np
import torch
from numba.extending import overload
from torch import Tensor

from oneseed.jit import each, jit, serves
from oneseed.lanes import add, add_times, dot, fold, load, multiply, repeat, spread, store, subtract
from oneseed.lanes import times as scaled
from oneseed.shapes import Flow, Frames, Mask, PairFlow, PairWeight

Taps = tuple[int, ...]
"""Where a kernel reads, from the pixel before the target: (0, 1) is linear, (-1, 0, 1, 2) cubic."""

COLOURS = 4
"""Of a pixel of a table, some of them unused. Of more channels the tables of `sampling` are faster: a weight serves all."""

BEFORE, BEYOND = 1, 2
"""Pixels of border before and after a table: as far as any kernel reads."""


TOGETHER = 8
"""Frames of which there are tables at a time, and as many more as a tie reaches: half as many pairs are in work."""


class Tie(NamedTuple):
    """Frames n and n + step: c, and the flow of W, and how many times it counts."""

    step: int
    flow: PairFlow
    weight: PairWeight | Mask
    times: float
    taps: Taps


def takes(x: Tensor, flow: Flow) -> bool:
    """Whether this file can serve them, and should."""
    return serves(x, flow) and x.shape[1] <= COLOURS


def warp(x: Frames, flow: Flow, taps: Taps, transposed: bool) -> Frames:
    """W x, or Wᵀ x."""
    out = torch.zeros_like(x, memory_format=torch.contiguous_format)
    frames, flows, outs = x.detach().numpy(), _like(flow, x), out.numpy()

    def move(n: int) -> None:
        table = _pack(frames[n])
        if transposed:
            sums = np.zeros_like(table)
            _scatter(table, flows[n], taps, sums)
            _add_unpacked(sums, outs[n])
        else:
            _gather(table, flows[n], taps, outs[n])

    each(move, range(len(frames)))
    return out


def add_normals(total: Frames, x: Frames, ties: Sequence[Tie], together: int = TOGETHER) -> list[float]:
    """total += Σ times (S − W)ᵀ c (S − W) x over all ties, in one pass for each; returns ‖√c (S − W) x‖² of each.

    Args:
        together: frames of which there are tables at a time.
    """
    frames, totals, powers = x.detach().numpy(), total.numpy(), [0.0] * len(ties)
    given = [(_like(tie.flow, x), tie.weight.detach().numpy()) for tie in ties]
    reach = max((abs(tie.step) for tie in ties), default=0)
    for first in range(0, len(frames), together):
        last = min(first + together + reach, len(frames))
        tables = each(lambda n: _pack(frames[n]), range(first, last))
        sums = [np.zeros_like(table) for table in tables]
        for number, (tie, (flows, weights)) in enumerate(zip(ties, given, strict=True)):
            pairs = range(first, min(first + together, len(flows)))
            powers[number] += _ties(tie, pairs, flows, weights, tables, sums)
        each(lambda n: _add_unpacked(sums[n - first], totals[n]), range(first, last))  # noqa: B023  called at once
    return powers


def _ties(tie: Tie, pairs: range, flows: Any, weights: Any, tables: list[Any], sums: list[Any]) -> float:
    """The power of some pairs; tables and sums begin with the first of them."""
    reach, begin = abs(tie.step), pairs.start

    def one(n: int) -> float:
        here, there = (n - begin, n - begin + reach) if tie.step > 0 else (n - begin + reach, n - begin)
        given = tables[here], tables[there], flows[n], np.ascontiguousarray(weights[n, 0], tables[here].dtype)
        return _tie(*given, tie.times, tie.taps, sums[here], sums[there])

    # pairs that share no frame at the same time, in the same order always
    turns = (each(one, (n for n in pairs if n // reach % 2 == turn)) for turn in (0, 1))
    return sum((sum(turn) for turn in turns), 0.0)


def _like(values: Tensor, x: Tensor) -> Any:
    return values.detach().to(x.dtype).contiguous().numpy()


def _pack(frame: Any) -> Any:
    """A table of one frame."""
    _, height, width = frame.shape
    table = np.empty((height + BEFORE + BEYOND, width + BEFORE + BEYOND, COLOURS), frame.dtype)
    _fill(frame, table)
    return table


def _weights(t: Any, taps: Any) -> Any:
    """Of the pixels around a target, t beyond the pixel before it. For compiled code alone."""
    raise NotImplementedError


def _weights_typed(t, taps):
    real = getattr(np, t.name)  # in the precision of the flow throughout
    one, a, b = real(1), real(1.25), real(2.25)  # Keys 1981 with -0.75, as in `sampling`

    def linear(t, taps):
        return one - t, t

    def cubic(t, taps):
        u = one - t
        far = real(-0.75) * t * u
        return far * u, one - t * t * (b - a * t), one - u * u * (b - a * u), far * t

    return unwrap({2: linear, 4: cubic}[len(taps)])


overload(_weights, inline="always")(unwrap(_weights_typed))


@jit
def near_row(flow, i, top, left, down, across):
    """Of each target in row i the pixel before it, and how far beyond that it lies. What is no number lies at the border."""
    _, height, width = flow.shape
    real, zero = flow.dtype.type, flow.dtype.type(0)
    lowest, last = np.int32(height - 1), np.int32(width - 1)
    right, below = flow[0, i], flow[1, i]
    for j in range(width):
        y = min(max(real(i) + below[j], zero), real(lowest))
        row = min(max(np.int32(y), np.int32(0)), lowest)
        top[j], down[j] = row, y - real(row)
    for j in range(width):
        x = min(max(real(j) + right[j], zero), real(last))
        column = min(max(np.int32(x), np.int32(0)), last)
        left[j], across[j] = column, x - real(column)


@jit
def _fill(frame, table):
    channels, height, width = frame.shape
    for i in range(table.shape[0]):
        row = table[i]
        row[:, channels:] = 0
        for k in range(channels):
            colours = frame[k, min(max(i - BEFORE, 0), height - 1)]
            row[:BEFORE, k] = colours[0]
            row[width + BEFORE :, k] = colours[width - 1]
            for j in range(width):
                row[BEFORE + j, k] = colours[j]


@jit
def _add_unpacked(table, frame):
    """The adjoint of `_fill`, added; what the table held is lost."""
    channels, height, width = frame.shape
    for i in range(table.shape[0]):
        row = table[i]
        for j in range(BEFORE):
            row[BEFORE] += row[j]
        for j in range(width + BEFORE, len(row)):
            row[width + BEFORE - 1] += row[j]
        k = min(max(i - BEFORE, 0), height - 1)
        for c in range(channels):
            colours = frame[c, k]
            for j in range(width):
                colours[j] += row[BEFORE + j, c]


@jit
def _gather(table, flow, taps, out):
    channels, height, width = out.shape
    pitch = table.shape[1] * COLOURS
    top, left = np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty(width, flow.dtype), np.empty(width, flow.dtype)
    pixel = np.empty(COLOURS, out.dtype)
    for i in range(height):
        near_row(flow, i, top, left, down, across)
        for j in range(width):
            first = (top[j] + BEFORE + taps[0]) * pitch + (left[j] + BEFORE + taps[0]) * COLOURS
            rows, columns = _weights(down[j], taps), spread(_weights(across[j], taps), COLOURS)
            read = scaled(rows[0], load(table, first, columns))
            for r in range(1, len(taps)):
                read = add_times(rows[r], load(table, first + r * pitch, columns), read)
            store(pixel, 0, fold(multiply(columns, read), COLOURS))
            for k in range(channels):
                out[k, i, j] = pixel[k]


@jit
def _scatter(table, flow, taps, sums):
    _, height, width = flow.shape
    pitch = table.shape[1] * COLOURS
    top, left = np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty(width, flow.dtype), np.empty(width, flow.dtype)
    for i in range(height):
        near_row(flow, i, top, left, down, across)
        for j in range(width):
            first = (top[j] + BEFORE + taps[0]) * pitch + (left[j] + BEFORE + taps[0]) * COLOURS
            rows, columns = _weights(down[j], taps), spread(_weights(across[j], taps), COLOURS)
            pixel = load(table, (i + BEFORE) * pitch + (j + BEFORE) * COLOURS, COLOURS)
            part = multiply(columns, repeat(pixel, columns))
            for r in range(len(taps)):
                place = first + r * pitch
                store(sums, place, add_times(rows[r], part, load(sums, place, columns)))


@jit
def _tie(here, there, flow, weight, times, taps, onto_here, onto_there):
    height, width = weight.shape
    pitch, real = here.shape[1] * COLOURS, flow.dtype.type
    top, left = np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty(width, flow.dtype), np.empty(width, flow.dtype)
    power = 0.0
    for i in range(height):
        near_row(flow, i, top, left, down, across)
        for j in range(width):
            first = (top[j] + BEFORE + taps[0]) * pitch + (left[j] + BEFORE + taps[0]) * COLOURS
            rows, columns = _weights(down[j], taps), spread(_weights(across[j], taps), COLOURS)
            read = scaled(rows[0], load(there, first, columns))
            for r in range(1, len(taps)):
                read = add_times(rows[r], load(there, first + r * pitch, columns), read)
            pixel, counts = (i + BEFORE) * pitch + (j + BEFORE) * COLOURS, weight[i, j]
            gap = subtract(load(here, pixel, COLOURS), fold(multiply(columns, read), COLOURS))
            power += counts * dot(gap, gap)
            gap = scaled(real(times) * counts, gap)
            store(onto_here, pixel, add(load(onto_here, pixel, COLOURS), gap))
            part = multiply(columns, repeat(gap, columns))
            for r in range(len(taps)):
                place = first + r * pitch
                store(onto_there, place, add_times(-rows[r], part, load(onto_there, place, columns)))
    return power
