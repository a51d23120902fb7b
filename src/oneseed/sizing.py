"""How large the pieces of a run are: as the user said, or else as memory allows."""

import re
from dataclasses import dataclass
from functools import cache

import torch

from oneseed.box import Shape
from oneseed.clip.crop import sides_of
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError
from oneseed.memory import fits, require_memory
from oneseed.pieces import Sizes, units
from oneseed.prior.base import Prior
from oneseed.recipe import Recipe

FRAMES = 16
"""Of a window, and what A mixes in from beyond it. The paper restores as many at once."""
FEWEST = 8
SHARED = 4
"""Frames that neighbouring windows have in common, beyond what A mixes in."""
MARGIN = 32
"""Pixels that neighbouring tiles have in common, beyond what A mixes in."""
AREAS = (512 * 512, 256 * 256)
"""Pixels of a tile, below which windows are made shorter first; and below which nothing is cut any more."""


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How a clip is to be cut into pieces."""

    window: str = "auto"
    """Frames, or `all`, or `auto`: 16 and what A mixes in from beyond, or 8 where memory is short."""
    overlap: int | None = None
    """Frames that two windows share; None: 4 and twice the reach of A."""
    tile: str = "auto"
    """`S`, `WxH`, `all`, or `auto`: as many pixels as memory allows."""
    tile_overlap: int | None = None
    """Pixels that two tiles share; None: 32 and twice the reach of A."""
    cuts: str = "auto"
    """First frames of new shots, `N,N,...`; `auto` looks for them, `none` does not. No window crosses one."""


def choose_sizes(
    prior: Prior | None,
    whole: Shape,
    degrade: Degradation,
    recipe: Recipe,
    device: torch.device,
    cutting: Cutting = Cutting(),
    workers: int = 1,
) -> Sizes:
    """Pieces that fit into the memory that is free.

    Args:
        workers: that share it.

    Raises:
        RequestError: sizes that make no sense, or do not fit.
    """
    n, c, h, w = whole
    window, tile = cutting.window, cutting.tile
    blind, sight = 2 * degrade.temporal_reach, 2 * degrade.spatial_reach
    share = SHARED + blind if cutting.overlap is None else cutting.overlap
    margin = MARGIN + sight if cutting.tile_overlap is None else cutting.tile_overlap
    usual, least = (max(count + blind, 2 * share) for count in (FRAMES, FEWEST))
    frames = n if window == "all" else usual if window == "auto" else _whole_number("--window", window)
    sides = (h, w) if tile in ("all", "auto") else _sides(tile)
    if frames < n:
        _require_overlap("--window", frames, "--overlap", share, blind, 1, "frames")
    for side, length, unit in zip(sides, (h, w), units(degrade), strict=True):
        if side < length:
            _require_overlap("--tile", side, "--tile-overlap", margin, sight, unit, "pixels")
    frames, sides = min(frames, n), (min(sides[0], h), min(sides[1], w))

    @cache  # an estimate may take a minute; and the last size that is estimated is the one that is taken
    def fit(frames: int, sides: tuple[int, int]) -> bool:
        return fits(prior, (frames, c, *sides), recipe, device, workers)

    while tile == "auto" and sides[0] * sides[1] > AREAS[0] and not fit(frames, sides):
        sides = _halved(sides, margin)
    if window == "auto" and frames > least and not fit(frames, sides):
        frames = least
    while tile == "auto" and sides[0] * sides[1] > AREAS[1] and not fit(frames, sides):
        sides = _halved(sides, margin)
    if not fit(frames, sides):
        require_memory(prior, (frames, c, *sides), recipe, device, workers)
    return Sizes(frames, share, sides, margin)


def _halved(sides: tuple[int, int], margin: int) -> tuple[int, int]:
    """The longer side about halved, so that two tiles cover what one did."""
    h, w = sides
    if h > w:
        return _half(h, margin), w
    return h, _half(w, margin)


def _half(side: int, margin: int) -> int:
    return -(-(side + margin) // 2 // 16) * 16


def _whole_number(option: str, text: str) -> int:
    if not re.fullmatch(r"[1-9]\d*", text):
        raise RequestError(f"{option} {text}; needed is a whole number, all or auto. Try {option} 16.")
    return int(text)


def _sides(text: str) -> tuple[int, int]:
    """Height and width of `S` or `WxH`."""
    sides = sides_of(text)
    if sides is None:
        raise RequestError(f"--tile {text}; needed is S, WxH, all or auto. Try --tile 512.")
    return sides[-1], sides[0]


def _require_overlap(option: str, size: int, other: str, shared: int, blind: int, unit: int, what: str) -> None:
    if not blind < shared <= size // 2 or size // unit * unit - shared < unit:
        enough = -(-max(2 * shared, shared + unit, 2 * blind + 8) // unit) * unit
        raise RequestError(
            f"{option} {size} with {shared} {what} in common; needed are more than the {blind} that the degradation mixes "
            f"in, and at most half. Try {option} {enough}{f' {other} {blind + 4}' * (shared <= blind)}."
        )
