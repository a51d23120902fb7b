"""W, Wᵀ and (S − W)ᵀ c (S − W), compiled for a CPU: neighbours and weights are made where they are used, and kept nowhere.

The plain version are the tables of `sampling`: 256 bytes for each pixel of a cubic warp and its transpose, which take
longer to make than to use.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from inspect import unwrap
from typing import Any

import numpy as np
import torch
from numba import njit
from numba.extending import overload
from torch import Tensor

from oneseed.shapes import Flow, Frames, PairFlow, PairWeight

Taps = tuple[int, ...]
"""Where a kernel reads, from the pixel before the target: (0, 1) is linear, (-1, 0, 1, 2) cubic."""

COLOURS = 4
"""Of more channels the tables are faster: a weight of theirs serves all."""


def takes(x: Tensor, flow: Flow) -> bool:
    """Whether this file can serve them, and should."""
    known = all(t.device.type == "cpu" and t.dtype in (torch.float32, torch.float64) for t in (x, flow))
    return known and x.shape[1] <= COLOURS


def warp(x: Frames, flow: Flow, taps: Taps, transposed: bool) -> Frames:
    """W x, or Wᵀ x."""
    table, flows = _rows(x), flow.detach().numpy()
    out, kernel = np.zeros_like(table), _scatter if transposed else _gather
    _each(lambda n: kernel(table[n], flows[n], taps, out[n]), range(len(table)))
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def add_normal(
    total: Frames, x: Frames, step: int, flow: PairFlow, weight: PairWeight, times: float, taps: Taps
) -> float:
    """total += times (S − W)ᵀ c (S − W) x; returns ‖√c (S − W) x‖². Frames n and n + step, in one pass.

    Args:
        total: its channels lie side by side.
    """
    table, sums = _rows(x), total.permute(0, 2, 3, 1).numpy()
    flows, weights = flow.detach().numpy(), weight.detach().numpy()
    reach, count = abs(step), len(flows)

    def tie(n: int) -> float:
        here, there = (n, n + reach) if step > 0 else (n + reach, n)
        return _tie(table[here], table[there], flows[n], weights[n, 0], times, taps, sums[here], sums[there])

    # pairs that share no frame at the same time, in the same order always
    return sum(sum(_each(tie, (n for n in range(count) if n // reach % 2 == turn))) for turn in (0, 1))


def _rows(x: Tensor) -> Any:
    """An array with the channels side by side: N H W C."""
    return x.detach().contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).numpy()


def _each(work: Callable[[int], Any], numbers: Iterable[int]) -> list[Any]:
    """What `work` returns for each, in order, on as many threads as torch uses."""
    threads = torch.get_num_threads()
    return [work(n) for n in numbers] if threads == 1 else list(_pool(threads).map(work, numbers))


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "oneseed")


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads are not forked


def _jit(function: Callable[..., Any]) -> Any:
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    function = unwrap(function)  # without the checks that tests put around it
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # there is no place to keep what was compiled
        return njit(**options)(function)


def _near(target: Any, size: int, taps: Taps) -> Any:
    """The pixels around a target along one direction, each with its weight, the border repeated. For compiled code alone."""
    raise NotImplementedError


def _near_typed(target, size, taps):
    real = getattr(np, target.name)  # in the precision of the flow throughout
    one, a, b = real(1), real(1.25), real(2.25)  # Keys 1981 with -0.75, as in `sampling`

    def linear(target, size, taps):
        inside = min(max(target, real(0)), real(size - 1))
        i = min(max(int(inside), 0), size - 1)  # again, for what is not a number
        t = inside - real(i)
        return ((i, one - t), (min(i + 1, size - 1), t))

    def cubic(target, size, taps):
        inside = min(max(target, real(0)), real(size - 1))
        i = min(max(int(inside), 0), size - 1)
        t = inside - real(i)
        u = one - t
        far = real(-0.75) * t * u
        return (
            (max(i - 1, 0), far * u),
            (i, one - t * t * (b - a * t)),
            (min(i + 1, size - 1), one - u * u * (b - a * u)),
            (min(i + 2, size - 1), far * t),
        )

    return unwrap({2: linear, 4: cubic}[len(taps)])


overload(_near, inline="always")(unwrap(_near_typed))


@_jit
def _gather(x, flow, taps, out):
    height, width, channels = x.shape
    real = flow.dtype.type
    for i in range(height):
        for j in range(width):
            rows = _near(real(i) + flow[1, i, j], height, taps)
            columns = _near(real(j) + flow[0, i, j], width, taps)
            for k in range(channels):
                total = real(0)
                for row, down in rows:
                    along = real(0)
                    for column, across in columns:
                        along += across * x[row, column, k]
                    total += down * along
                out[i, j, k] = total


@_jit
def _scatter(y, flow, taps, out):
    height, width, channels = y.shape
    real = flow.dtype.type
    for i in range(height):
        for j in range(width):
            rows = _near(real(i) + flow[1, i, j], height, taps)
            columns = _near(real(j) + flow[0, i, j], width, taps)
            for k in range(channels):
                for row, down in rows:
                    part = down * y[i, j, k]
                    for column, across in columns:
                        out[row, column, k] += across * part


@_jit
def _tie(here, there, flow, weight, times, taps, onto_here, onto_there):
    height, width, channels = here.shape
    real = flow.dtype.type
    power = 0.0
    for i in range(height):
        for j in range(width):
            rows = _near(real(i) + flow[1, i, j], height, taps)
            columns = _near(real(j) + flow[0, i, j], width, taps)
            counts = weight[i, j]
            for k in range(channels):
                gap = here[i, j, k]
                for row, down in rows:
                    along = real(0)
                    for column, across in columns:
                        along += across * there[row, column, k]
                    gap -= down * along
                power += counts * gap * gap
                gap *= real(times) * counts
                onto_here[i, j, k] += gap
                for row, down in rows:
                    part = down * gap
                    for column, across in columns:
                        onto_there[row, column, k] -= across * part
    return power
