"""DᵀΓᵀ e ΓD x, compiled for a CPU: row by row in the processor's cache, where each term is a pass over all frames else."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from oneseed.jit import each, jit
from oneseed.shapes import Frames


def add_smoothness(total: Frames, x: Frames, edges: Sequence[Tensor] | None, colour: float, times: float) -> None:
    """total += times DᵀΓᵀ e ΓD x.

    Args:
        edges: of the four differences, each `N 1 h w`; None: all of the two slopes, nothing of the bends.
    """
    frames, totals = x.detach().numpy(), total.numpy()
    weights = [None] * 4 if edges is None else [edge.detach().to(x.dtype).numpy() for edge in edges]

    def one(n: int) -> None:
        _add(frames[n], *(None if edge is None else edge[n, 0] for edge in weights), colour**2, times, totals[n])

    each(one, range(len(frames)))


@jit
def _add(x, across, down, across_bends, down_bends, colour, times, total):
    channels, height, width = x.shape
    real = x.dtype.type
    u, kept = np.empty(x.shape, x.dtype), real(1 - colour) / real(channels)
    p = np.empty(width, x.dtype)
    for i in range(height):  # Γᵀ Γ x, times what all is multiplied by
        grey = p
        grey[:] = 0
        for k in range(channels):
            row = x[k, i]
            for j in range(width):
                grey[j] += row[j]
        for k in range(channels):
            row, out = x[k, i], u[k, i]
            for j in range(width):
                out[j] = real(times) * (kept * grey[j] + real(colour) * row[j])
    for k in range(channels):
        for i in range(height):
            row, out = u[k, i], total[k, i]
            for j in range(width - 1):
                p[j] = row[j + 1] - row[j]
            if across is not None:
                e = across[i]
                for j in range(width - 1):
                    p[j] *= e[j]
            _add_row(out[1:], p[: width - 1], real(1))
            _add_row(out, p[: width - 1], real(-1))
            if i + 1 < height:
                beneath = u[k, i + 1]
                for j in range(width):
                    p[j] = beneath[j] - row[j]
                if down is not None:
                    e = down[i]
                    for j in range(width):
                        p[j] *= e[j]
                _add_row(total[k, i + 1], p, real(1))
                _add_row(out, p, real(-1))
            if across_bends is not None and width > 2:
                e = across_bends[i]
                for j in range(width - 2):
                    p[j] = e[j] * (row[j + 1] - real(0.5) * (row[j] + row[j + 2]))
                for shift in range(3):
                    _add_row(out[shift:], p[: width - 2], real(1) if shift == 1 else real(-0.5))
            if down_bends is not None and 0 < i < height - 1:
                e, above, beneath = down_bends[i - 1], u[k, i - 1], u[k, i + 1]
                for j in range(width):
                    p[j] = e[j] * (row[j] - real(0.5) * (above[j] + beneath[j]))
                for shift in range(-1, 2):
                    _add_row(total[k, i + shift], p, real(1) if shift == 0 else real(-0.5))


@jit
def _add_row(out, p, times):
    for j in range(len(p)):
        out[j] += times * p[j]
