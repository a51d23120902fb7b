"""Time stamps, exact: onto the frame grid where a container rounded them, and into ticks for a container."""

import math
from collections.abc import Sequence
from fractions import Fraction

FINEST = 10_000_000  # ticks per second that every muxer here takes
FALLBACK = Fraction(1, 1_000_000)


def on_grid(times: Sequence[Fraction], origin: Fraction, rate: Fraction, tick: Fraction) -> list[Fraction] | None:
    """`times` put back where n / rate after `origin` was rounded to ticks; None if they do not lie on that grid.

    Matroska keeps whole milliseconds: 30000/1001 comes back as 0, 0.033, 0.067.
    """
    steps = [round((time - origin) * rate) for time in times]
    grid = [origin + step / rate for step in steps]
    near = all(abs(time - exact) < tick for time, exact in zip(times, grid, strict=True))
    return grid if near and steps == list(range(steps[0], steps[0] + len(steps))) else None


def counts(times: Sequence[Fraction], rate: Fraction) -> bool:
    """Frames lie a whole number of 1 / rate seconds apart."""
    return all(((time - times[0]) * rate).denominator == 1 for time in times)


def tick_length(times: Sequence[Fraction], rate: Fraction) -> Fraction:
    """The coarsest tick in which all times and one frame are whole numbers, or a microsecond if that is finer."""
    finest = math.lcm(*(time.denominator for time in times), rate.numerator)
    common = math.gcd(*(int(time * finest) for time in times), int(finest / rate))
    base = Fraction(common, finest)
    return base if 1 / base <= FINEST else FALLBACK


def ticks(times: Sequence[Fraction], base: Fraction) -> list[int]:
    """Times in units of `base`, rounded to the nearest, no two frames on the same tick."""
    counted: list[int] = []
    for time in times:
        nearest = math.floor(time / base + Fraction(1, 2))
        counted.append(max(nearest, counted[-1] + 1) if counted else nearest)
    return counted
