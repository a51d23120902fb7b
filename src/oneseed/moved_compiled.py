"""What all frames share as each sees it, Σ_t S_t W_n K_t h, and its way back, compiled for a CPU.

The nine taps of a pixel, three colours each, lie side by side: 27 numbers, and five of nothing. For each pixel of a frame
they are read between four pixels of K h and added to the nine that they reach; no moved feature is written down. What
pixels that follow one another have in common stays in registers until it is complete.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from oneseed.compiled import near_row
from oneseed.jit import each, jit, serves
from oneseed.lanes import add, add_times, arrangement, beside, load, store
from oneseed.lanes import times as scaled
from oneseed.last_layer import LastLayer
from oneseed.shapes import Frames
from oneseed.warp import Warp

LANES, ROW, HALF = 32, 9, 16
"""Numbers of a pixel; of one of its three rows of taps; and in a register that such a row is written from."""

BAND = 2**19
"""Values of K h that a thread reads or receives at a time: 2 MiB."""

_NONE = [None] * (LANES - 3 * ROW)
_packed = arrangement([HALF * row + lane for row in range(3) for lane in range(ROW)] + _NONE)
_upper, _middle, _lower = (
    arrangement([*range(row * ROW, (row + 1) * ROW), *[None] * (HALF - ROW)]) for row in range(3)
)
_onward = arrangement(  # a pixel further: what is complete drops out
    [lane for row in range(3) for lane in (*range(row * ROW + 3, (row + 1) * ROW), None, None, None)] + _NONE
)


def takes(h: Tensor, layer: LastLayer, motion: Sequence[Warp]) -> bool:
    """Whether this file can serve them."""
    linear = all(warp.taps == (0, 1) and warp.flow.dtype == h.dtype for warp in motion)
    return serves(h) and linear and layer.weight.shape[2:] == (3, 3)


def move(x: Frames, h: Tensor, layer: LastLayer, motion: Sequence[Warp]) -> None:
    """x = b + Σ_t S_t W_n K_t h, in bands of rows: what frames read there of K h stays in the cache."""
    taps = (h.permute(0, 2, 3, 1).flatten(0, 2) @ _mixing(layer)).numpy()  # K h
    bias, out = layer.bias.detach().numpy(), x.numpy()
    flows, height, count = [warp.flow[0].numpy() for warp in motion], x.shape[2], _rows(*x.shape[2:])

    def one(band: int) -> None:
        for flow, frame in zip(flows, out, strict=True):
            _move(taps, flow, bias, band * count, min((band + 1) * count, height), frame)

    each(one, range(-(-height // count)))


def move_back(g: Frames, layer: LastLayer, motion: Sequence[Warp]) -> Tensor:
    """Σ_n W_nᵀ Kᵀ Sᵀ g_n, in bands of rows that receive: what they have of all frames stays in the cache."""
    frames, _, height, width = g.shape
    mixing, given, flows = _mixing(layer).T, g.numpy(), [warp.flow[0].numpy() for warp in motion]
    low, high = ([bound(flow[1], 1) for flow in flows] for bound in (np.min, np.max))  # how far each row reads
    parts = torch.get_num_threads()  # of a band: no two receive at the same place
    count = min(_rows(height, width) * parts, height)
    sums, dh = g.new_empty(count * width, LANES), g.new_empty(height * width, mixing.shape[1])

    def one(first: int, last: int) -> None:
        taps = sums[: (last - first) * width].zero_()
        rows = [first + (last - first) * part // parts for part in range(parts + 1)]

        def back(part: int) -> None:
            for n in range(frames):
                _move_back(given[n], flows[n], low[n], high[n], *rows[part : part + 2], first, taps.numpy())

        each(back, range(parts))
        torch.mm(taps, mixing, out=dh[first * width : last * width])

    for first in range(0, height, count):
        one(first, min(first + count, height))
    return dh.view(1, height, width, -1).permute(0, 3, 1, 2)


def _rows(height: int, width: int) -> int:
    """Of a band, so that every thread has one."""
    return max(min(BAND // (LANES * width), -(-height // torch.get_num_threads())), 1)


def _mixing(layer: LastLayer) -> Tensor:
    """Kᵀ: C to the taps in the order of the pixels that they reach."""
    taps = layer.weight.detach().flip(2, 3).permute(1, 2, 3, 0).flatten(1)
    return torch.nn.functional.pad(taps, (0, LANES - taps.shape[1]))


@jit
def _move(taps, flow, bias, begin, end, x):
    """Rows of one frame from `begin` to `end`. One is complete when the next row of pixels has given its own."""
    _, height, width = flow.shape
    top, left = np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty(width, flow.dtype), np.empty(width, flow.dtype)
    one, nothing = flow.dtype.type(1), load(np.zeros(LANES, x.dtype), 0, LANES)
    reached = np.zeros((3, 3 * (width + 2) + HALF), x.dtype)  # of three rows, colours side by side
    line, pitch = np.empty_like(reached), reached.shape[1]
    for i in range(max(begin - 1, 0), min(end + 1, height)):
        near_row(flow, i, top, left, down, across)
        ours = nothing
        for j in range(width):
            place = (top[j] * width + left[j]) * LANES
            right = LANES if left[j] < width - 1 else 0
            below = width * LANES if top[j] < height - 1 else 0
            u, t = down[j], across[j]
            read = scaled((one - u) * (one - t), load(taps, place, LANES))
            read = add_times((one - u) * t, load(taps, place + right, LANES), read)
            read = add_times(u * (one - t), load(taps, place + below, LANES), read)
            read = add_times(u * t, load(taps, place + below + right, LANES), read)
            ours = add(_onward(ours), read)
            store(line, 3 * j, _upper(ours))
            store(line, 3 * j + pitch, _middle(ours))
            store(line, 3 * j + 2 * pitch, _lower(ours))
        for k in range(3 * (width + 1)):
            reached[i % 3, k] += line[0, k]
            reached[(i + 1) % 3, k] += line[1, k]
            reached[(i + 2) % 3, k] = line[2, k]
        if i > begin:
            _cut(reached[i % 3], bias, x[:, i - 1])
    if end == height:
        _cut(reached[height % 3], bias, x[:, height - 1])


@jit
def _cut(row, bias, x):
    """A row of a frame from its colours side by side."""
    for k in range(3):
        out, more, given = x[k], bias[k], row[3 + k :]
        for j in range(len(out)):
            out[j] = given[3 * j] + more


@jit
def _move_back(g, flow, low, high, begin, end, first, taps):
    """One frame, for what rows from `begin` to `end` receive; taps begin with row `first`."""
    _, height, width = flow.shape
    top, left = np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty(width, flow.dtype), np.empty(width, flow.dtype)
    one, nothing = flow.dtype.type(1), load(np.zeros(LANES, g.dtype), 0, LANES)
    table, ready = np.zeros((3, 3 * (width + 2) + HALF), g.dtype), 0  # three rows, colours side by side
    pitch = table.shape[1]
    for i in range(height):
        above, beneath = i + high[i] + 1 < begin and begin > 1, i + low[i] >= end and end < height
        if above or beneath:  # neither is so of what is no number
            continue
        for k in range(max(ready, i), i + 3):
            _lay_out(g, k - 1, table[k % 3])
        ready = i + 3
        near_row(flow, i, top, left, down, across)
        row, column, here, onward = -2, -2, (nothing, nothing), (nothing, nothing)
        for j in range(width):
            if top[j] + 1 < begin or top[j] >= end:
                continue
            middle = load(table, (i + 1) % 3 * pitch + 3 * j, HALF)
            lowest = load(table, (i + 2) % 3 * pitch + 3 * j, HALF)
            given = beside(load(table, i % 3 * pitch + 3 * j, HALF), middle)
            given = _packed(beside(given, beside(lowest, lowest)))
            u, t = down[j], across[j]
            near, far = scaled(one - t, given), scaled(t, given)
            near_rows, far_rows = (scaled(one - u, near), scaled(u, near)), (scaled(one - u, far), scaled(u, far))
            follows = j > 0 and top[j] == top[j - 1] and left[j] == left[j - 1] + 1
            if follows:  # half of it goes where half of the last one's goes
                _receive(taps, first, begin, end, width, row, column, here)
                near_rows = add(near_rows[0], onward[0]), add(near_rows[1], onward[1])
            elif row >= 0:
                _receive(taps, first, begin, end, width, row, column, here)
                _receive(taps, first, begin, end, width, row, min(column + 1, width - 1), onward)
            row, column, here, onward = top[j], left[j], near_rows, far_rows
        if row >= 0:
            _receive(taps, first, begin, end, width, row, column, here)
            _receive(taps, first, begin, end, width, row, min(column + 1, width - 1), onward)


@jit
def _receive(taps, first, begin, end, width, row, column, given):
    """What goes to a pixel, and to the one beneath."""
    for lower in range(2):
        if begin <= row + lower < end:
            place = ((row + lower - first) * width + column) * LANES
            store(taps, place, add(given[lower], load(taps, place, LANES)))


@jit
def _lay_out(g, i, row):
    """Row i of a frame with its colours side by side, and 0 around it."""
    _, height, width = g.shape
    if 0 <= i < height:
        for k in range(3):
            given = g[k, i]
            for j in range(width):
                row[3 * (j + 1) + k] = given[j]
    else:
        row[:] = 0
