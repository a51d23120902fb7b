"""Long clips and large frames in overlapping pieces, and the weights that blend what each piece became."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from oneseed.box import Box, Shape
from oneseed.degrade.base import Degradation
from oneseed.shapes import Frames, Measured, PixelMap

Span = tuple[int, int]
"""first <= place < last."""

Weights = Float[Tensor, "_"]


@dataclass(frozen=True)
class Piece:
    """What is restored at once, and how much each of its frames, rows and columns counts in the blend."""

    name: str
    box: Box
    frames: Float[Tensor, " n"]
    rows: Float[Tensor, " h"]
    columns: Float[Tensor, " w"]
    after: str | None = None
    """The piece at the same place in the window before, of the same shot."""

    def weights(self, frame: int) -> Float[Tensor, "1 h w"]:
        """Of every pixel of one frame, by its number in the clip."""
        return (self.frames[frame - self.box.first] * self.rows[:, None] * self.columns)[None]

    def counts(self, frame: int) -> bool:
        """Whether the frame is blended from this piece, among others."""
        return self.box.first <= frame < self.box.last and bool(self.frames[frame - self.box.first] > 0)


@dataclass(frozen=True)
class Sizes:
    """How large pieces are, and how much of one the next has again: frames of windows, pixels of tiles."""

    window: int
    overlap: int
    tile: tuple[int, int]
    """Height and width."""
    tile_overlap: int


def plan(whole: Shape, degrade: Degradation, sizes: Sizes, cuts: Iterable[int] = ()) -> list[Piece]:
    """The pieces of a clip of shape `whole`, window after window, and in each row after row.

    Windows do not cross cuts, but to see as much as `degrade` has mixed in from beyond.

    Args:
        cuts: first frames of new shots.
    """
    n, _, h, w = whole
    tall, wide = units(degrade)
    blind, sight = degrade.temporal_reach, degrade.spatial_reach
    windows: list[tuple[Span, Weights]] = []
    first_ones: set[int] = set()
    for first, last in pairwise([0, *sorted(set(cuts) - {0, n}), n]):
        seen = max(first - blind, 0), min(last + blind, n)
        first_ones.add(len(windows))
        inside = (torch.arange(*seen) >= first) & (torch.arange(*seen) < last)
        windows += blended(seen, sizes.window, sizes.overlap, 1, blind, inside.float())
    down = blended((0, h), sizes.tile[0], sizes.tile_overlap, tall, sight)
    across = blended((0, w), sizes.tile[1], sizes.tile_overlap, wide, sight)
    return [
        Piece(
            _name(number, row, column),
            Box(*frames, *rows, *columns),
            in_time,
            in_height,
            in_width,
            None if number in first_ones else _name(number - 1, row, column),
        )
        for number, (frames, in_time) in enumerate(windows)
        for row, (rows, in_height) in enumerate(down)
        for column, (columns, in_width) in enumerate(across)
    ]


def _name(window: int, row: int, column: int) -> str:
    return f"{window:05}-{row:02}-{column:02}"


def units(degrade: Degradation) -> tuple[int, int]:
    """Rows and columns, of which tiles begin at multiples: whole measurements, and whole latents of most priors."""
    _, _, rows, columns = degrade.clean_shape((1, 1, 1, 1))
    return math.lcm(_LATENT, rows), math.lcm(_LATENT, columns)


_LATENT = 8
"""Pixels along one side of a latent pixel."""


def blended(
    whole: Span, longest: int, overlap: int, unit: int, blind: int, kept: Weights | None = None
) -> list[tuple[Span, Weights]]:
    """Spans that cover `whole`, and weights that rise and fall where they overlap; at each place they sum to 1.

    Args:
        blind: nothing counts so near to where the clip was cut, as long as another span sees it better.
        kept: 1 where there is anything to blend, 0 elsewhere; spans with nothing are left out.
    """
    first, last = whole
    found = spans(last - first, longest, overlap, unit)
    slopes = []
    for number, (begin, end) in enumerate(found):
        place = torch.arange(begin, end, dtype=torch.float64)
        rise = place - begin + 0.5 - blind if number else torch.full_like(place, torch.inf)
        fall = end - place - 0.5 - blind if number + 1 < len(found) else torch.full_like(place, torch.inf)
        slopes.append(torch.minimum(rise, fall).clamp(_LEAST, max(overlap - 2 * blind, 1)))
    total = torch.zeros(last - first, dtype=torch.float64)
    for (begin, end), slope in zip(found, slopes, strict=True):
        total[begin:end] += slope
    shares = [slope / total[begin:end] for (begin, end), slope in zip(found, slopes, strict=True)]
    if kept is not None:
        shares = [share * kept[begin:end] for (begin, end), share in zip(found, shares, strict=True)]
    return [
        ((first + begin, first + end), share.float())
        for (begin, end), share in zip(found, shares, strict=True)
        if share.any()
    ]


_LEAST = 1e-9
"""Of a place that no span sees well: it still needs one."""


def spans(length: int, longest: int, overlap: int, unit: int = 1) -> list[Span]:
    """As few spans of `longest` places as cover `length` with at least `overlap` between neighbours, evenly spread.

    All begin at multiples of `unit`; the last may be longer by less than that.
    """
    longest = max(longest // unit, 1) * unit
    if length < longest + unit:
        return [(0, length)]
    step = (longest - overlap) // unit * unit
    if step <= 0:
        raise ValueError(f"spans of {longest} with {overlap} in common, by {unit}, do not get ahead")
    spare = (length - longest) // unit
    count = 1 + -(-spare * unit // step)
    starts = [spare * number // (count - 1) * unit for number in range(count)]
    return [(start, start + longest) for start in starts[:-1]] + [(starts[-1], length)]


def blend(pieces: Sequence[Piece], shape: Shape, frame: int, made: Iterable[Float[Tensor, "3 h w"]]) -> Tensor:
    """One frame of the clip, from what each of `pieces` made of it, in their order."""
    total = torch.zeros(3, *shape[2:])
    for piece, image in zip(pieces, made, strict=True):
        box = piece.box
        total[:, box.top : box.bottom, box.left : box.right] += piece.weights(frame) * image
    return total


def file_of(folder: Path, name: str, ending: str) -> Path:
    """Where the folder of a run has what is known of the piece of that name."""
    return folder / "pieces" / f"{name}.{ending}"


def blended_from(piece: Piece) -> list[int]:
    """Frames of the clip that the piece counts in."""
    return [frame for frame in range(*piece.box[:2]) if piece.counts(frame)]


def measured_in(degrade: Degradation, whole: Shape, box: Box, y: Measured) -> tuple[Degradation, Measured]:
    """A for one piece, and its measurements `y`, with 0 in both for those that look beyond it."""
    if box == Box.all_of(whole):
        return degrade, y
    trusted = degrade.reliable(whole, box).to(y)
    local = degrade.local(whole, box)
    return (local, y) if trusted.all() else (_Trusted(local, trusted), y * trusted)


class _Trusted(Degradation):
    """A, and 0 in place of the measurements that cannot be relied on."""

    def __init__(self, inner: Degradation, trusted: PixelMap):
        super().__init__()
        self.inner, self.trusted = inner, trusted
        self.linear, self.arguments = inner.linear, {}

    def forward(self, x: Frames) -> Measured:
        return self.inner(x) * self.trusted.to(x)

    def measured_shape(self, shape: Shape) -> Shape:
        return self.inner.measured_shape(shape)

    def clean_shape(self, shape: Shape) -> Shape:
        return self.inner.clean_shape(shape)
