"""Which seconds of the source are kept, and when they are on the clock of what is written."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Window:
    """`length` seconds of the source or all from `zero` on, which becomes zero; `before` too."""

    zero: Fraction
    length: Fraction | None
    before: bool

    def holds(self, time: Fraction) -> bool:
        """What begins at `time`, on the clock of the source, is kept."""
        late = self.before or time >= self.zero
        return late and (self.length is None or time < self.zero + self.length)

    def clipped(self, begin: Fraction, end: Fraction) -> tuple[Fraction, Fraction] | None:
        """What of a span on the clock of the source is kept, on the clock of what is written; None if nothing is."""
        first = max(begin - self.zero, Fraction(0))
        last = end - self.zero if self.length is None else min(end - self.zero, self.length)
        return (first, last) if last > first else None
