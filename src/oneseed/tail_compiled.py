"""What each frame adds, Σ_t S_t of its taps, and its way back, compiled for a CPU: bands of taps added up and spread out."""

from torch import Tensor

from oneseed.jit import jit
from oneseed.last_layer import LastLayer


def add_taps(taps: Tensor, first: int, layer: LastLayer, x: Tensor) -> None:
    """x += Σ_t S_t taps_t of one frame, for rows from `first` on."""
    _add_taps(taps.numpy(), first, *layer.sides, x.numpy())


def spread_taps(g: Tensor, first: int, layer: LastLayer, taps: Tensor) -> None:
    """taps_t = S_tᵀ g of one frame, for rows from `first` on."""
    _spread_taps(g.numpy(), first, *layer.sides, taps.numpy())


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
