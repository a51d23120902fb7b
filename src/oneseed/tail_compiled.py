"""Both halves of `tail`, compiled for a CPU.

Where all share moves, Σ_t S_t W_n K_t h: for each pixel the taps that it gives away are read between four pixels of K h, a row
of taps in one register, and added to the rows of the frame that they reach; no moved feature is written down. The way back
is the same, turned round. Where each frame adds its own, bands of taps are added up and spread out.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from oneseed.compiled import near_row
from oneseed.jit import each, jit, serves
from oneseed.lanes import add, add_times, load, store
from oneseed.lanes import times as scaled
from oneseed.last_layer import LastLayer
from oneseed.shapes import Frames
from oneseed.warp import Warp

LANES = 16
"""A row of taps, three colours each, and what is left of the register."""


def takes(h: Tensor, layer: LastLayer, motion: Sequence[Warp]) -> bool:
    """Whether this file can serve them."""
    linear = all(warp.taps == (0, 1) and warp.flow.dtype == h.dtype for warp in motion)
    return serves(h) and linear and 3 * layer.weight.shape[3] <= LANES


def move(x: Frames, h: Tensor, layer: LastLayer, motion: Sequence[Warp]) -> None:
    """x = b + Σ_t S_t W_n K_t h."""
    _, channels, height, width = h.shape
    down, right = layer.sides
    taps = (h.permute(0, 2, 3, 1).reshape(-1, channels) @ _mixing(layer)).numpy()  # K h
    bias, out = layer.bias.detach().numpy(), x.numpy()

    def one(n: int) -> None:
        sums = np.zeros((height + 2 * down, _pitch(width, right)), out.dtype)
        _move(taps, motion[n].flow[0].numpy(), sums)
        _cut(sums, down, right, bias, out[n])

    each(one, range(len(motion)))


def move_back(g: Frames, layer: LastLayer, motion: Sequence[Warp]) -> Tensor:
    """Σ_n W_nᵀ Kᵀ Sᵀ g_n."""
    frames, _, height, width = g.shape
    down, right = layer.sides
    rows = 2 * down + 1
    sums = torch.zeros(height * width, rows * LANES, dtype=g.dtype)
    gradients, taps, pitch = g.numpy(), sums.numpy(), _pitch(width, right)
    parts = min(height, torch.get_num_threads())  # of the rows that receive: no two write to the same place

    def back(part: int) -> None:
        table = np.zeros((height + 2 * down, pitch), taps.dtype)
        for n in range(frames):
            _put(gradients[n], down, right, table)
            _move_back(table, motion[n].flow[0].numpy(), height * part // parts, height * (part + 1) // parts, taps)

    each(back, range(parts))
    return (sums @ _mixing(layer).T).view(1, height, width, -1).permute(0, 3, 1, 2)


def add_taps(taps: Tensor, first: int, layer: LastLayer, x: Tensor) -> None:
    """x += Σ_t S_t taps_t of one frame, for rows from `first` on."""
    _add_taps(taps.numpy(), first, *layer.sides, x.numpy())


def spread_taps(g: Tensor, first: int, layer: LastLayer, taps: Tensor) -> None:
    """taps_t = S_tᵀ g of one frame, for rows from `first` on."""
    _spread_taps(g.numpy(), first, *layer.sides, taps.numpy())


def _mixing(layer: LastLayer) -> Tensor:
    """Kᵀ, C to rows of taps in the order of the pixels that they reach, each in LANES."""
    flipped = layer.weight.detach().flip(2, 3).permute(1, 2, 3, 0).flatten(2)  # C, rows, taps of a row by colours
    return torch.nn.functional.pad(flipped, (0, LANES - flipped.shape[2])).flatten(1)


def _pitch(width: int, right: int) -> int:
    """Numbers in a row of a frame with its colours side by side, where each pixel of it may write a whole register."""
    return 3 * (width + 2 * right) + LANES


@jit
def _move(taps, flow, sums):
    _, height, width = flow.shape
    rows, pitch, step = sums.shape[0] - height + 1, sums.shape[1], taps.shape[1]
    top, left = np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty(width, flow.dtype), np.empty(width, flow.dtype)
    one = flow.dtype.type(1)
    for i in range(height):
        near_row(flow, i, top, left, down, across)
        for j in range(width):
            place = (top[j] * width + left[j]) * step
            beside = step if left[j] < width - 1 else 0
            beneath = width * step if top[j] < height - 1 else 0
            u, t = down[j], across[j]
            for row in range(rows):
                first, here = place + row * LANES, (i + row) * pitch + 3 * j
                read = scaled((one - u) * (one - t), load(taps, first, LANES))
                read = add_times((one - u) * t, load(taps, first + beside, LANES), read)
                read = add_times(u * (one - t), load(taps, first + beneath, LANES), read)
                read = add_times(u * t, load(taps, first + beneath + beside, LANES), read)
                store(sums, here, add(load(sums, here, LANES), read))


@jit
def _move_back(table, flow, begin, end, taps):
    """For what rows from `begin` to `end` receive."""
    _, height, width = flow.shape
    rows, pitch, step = table.shape[0] - height + 1, table.shape[1], taps.shape[1]
    top, left = np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty(width, flow.dtype), np.empty(width, flow.dtype)
    one = flow.dtype.type(1)
    for i in range(height):
        near_row(flow, i, top, left, down, across)
        for j in range(width):
            beside, u, t = step if left[j] < width - 1 else 0, down[j], across[j]
            for lower in range(2):
                target, share = min(top[j] + lower, height - 1), u if lower else one - u
                if begin <= target < end:
                    place = (target * width + left[j]) * step
                    for row in range(rows):
                        first = place + row * LANES
                        given = load(table, (i + row) * pitch + 3 * j, LANES)
                        store(taps, first, add_times(share * (one - t), given, load(taps, first, LANES)))
                        first += beside
                        store(taps, first, add_times(share * t, given, load(taps, first, LANES)))


@jit
def _cut(sums, down, right, bias, x):
    """A frame from its colours side by side."""
    colours, height, width = x.shape
    for i in range(height):
        row = sums[i + down, 3 * right :]
        for k in range(colours):
            out, more = x[k, i], bias[k]
            for j in range(width):
                out[j] = row[3 * j + k] + more


@jit
def _put(g, down, right, table):
    """The way back, and 0 around it."""
    colours, height, width = g.shape
    for i in range(height):
        row = table[i + down, 3 * right :]
        for k in range(colours):
            given = g[k, i]
            for j in range(width):
                row[3 * j + k] = given[j]


@jit
def _add_taps(taps, first, down, right, x):
    colours, height, width = x.shape
    for k in range(colours):
        for i in range(taps.shape[3]):
            for a in range(2 * down + 1):
                reached = first + i + down - a
                if 0 <= reached < height:
                    for b in range(2 * right + 1):
                        shift = b - right
                        count = width - abs(shift)
                        onto = x[k, reached, max(-shift, 0) : max(-shift, 0) + count]
                        more = taps[a, b, k, i, max(shift, 0) : max(shift, 0) + count]
                        for j in range(count):
                            onto[j] += more[j]


@jit
def _spread_taps(g, first, down, right, taps):
    colours, height, width = g.shape
    for a in range(2 * down + 1):
        for b in range(2 * right + 1):
            shift = b - right
            count = width - abs(shift)
            for k in range(colours):
                for i in range(taps.shape[3]):
                    tap, reached = taps[a, b, k, i], first + i + down - a
                    if 0 <= reached < height:
                        onto = tap[max(shift, 0) : max(shift, 0) + count]
                        given = g[k, reached, max(-shift, 0) : max(-shift, 0) + count]
                        for j in range(count):
                            onto[j] = given[j]
                        for j in range(shift):
                            tap[j] = 0
                        for j in range(width + min(shift, 0), width):
                            tap[j] = 0
                    else:
                        tap[:] = 0
