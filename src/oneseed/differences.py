"""D, the differences between neighbouring pixels, and Dᵀ: two of first order and two of second, across and down."""

from collections.abc import Sequence

from torch import Tensor

from oneseed.shapes import Frames


def slopes(x: Frames) -> tuple[Tensor, Tensor]:
    """Each pixel's right neighbour less itself, and the one below less itself."""
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def bends(x: Frames) -> tuple[Tensor, Tensor]:
    """Each pixel less the mean of its two neighbours, across and down. Nothing where there are not three in a row."""
    across, down = x[..., :-2] + x[..., 2:], x[..., :-2, :] + x[..., 2:, :]
    return across.mul_(-0.5).add_(x[..., 1:-1]), down.mul_(-0.5).add_(x[..., 1:-1, :])


def add_transposed(total: Frames, differences: Sequence[Tensor]) -> None:
    """total += Dᵀ d, in place, for the two slopes, or for slopes and bends in this order."""
    for axis, d in zip(_AXES, differences[:2], strict=True):
        length = d.shape[axis]
        total.narrow(axis, 1, length).add_(d)
        total.narrow(axis, 0, length).sub_(d)
    for axis, d in zip(_AXES, differences[2:], strict=False):
        length = d.shape[axis]
        if length:
            total.narrow(axis, 1, length).add_(d)
            for first in (0, 2):
                total.narrow(axis, first, length).sub_(d, alpha=0.5)


def add_diagonal(total: Frames, weights: Sequence[Tensor]) -> None:
    """total += the diagonal of Dᵀ e D, in place, for weights e of the two slopes, or of slopes and bends."""
    for axis, e in zip(_AXES, weights[:2], strict=True):
        for first in (0, 1):
            total.narrow(axis, first, e.shape[axis]).add_(e)
    for axis, e in zip(_AXES, weights[2:], strict=False):
        for first, square in ((0, 0.25), (1, 1.0), (2, 0.25)):
            if e.shape[axis]:
                total.narrow(axis, first, e.shape[axis]).add_(e, alpha=square)


_AXES = (-1, -2)
