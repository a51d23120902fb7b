"""Which frames of a clip: `A:B` as Python slices it, except that nothing beyond the clip is forgiven."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from oneseed.errors import RequestError


@dataclass(frozen=True)
class Span:
    """Frames first <= n < last; last None is the end of the clip."""

    first: int
    last: int | None
    text: str

    def check(self, count: int) -> None:
        """Refuse a span that leaves a clip of `count` frames or holds none of them.

        Raises:
            RequestError: the span leaves the clip or is empty.
        """
        last = count if self.last is None else self.last
        if last > count or not 0 <= self.first < last:
            raise RequestError(
                f"--frames {self.text} on a clip of {count} frames; needed at least one frame between 0 and {count}. "
                f"Try --frames {min(max(self.first, 0), count - 1)}:{count}."
            )


def parse_span(text: str | None, count: Callable[[], int]) -> Span:
    """The span that `A:B` asks for; `count` is only called when a side is negative.

    Raises:
        RequestError: not of the form A:B, or empty whatever the clip.
    """
    match = re.fullmatch(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*", ":" if text is None else text)
    if match is None:
        raise RequestError(f"--frames {text}; needed A:B, first frame and the one after the last. Try --frames 0:16.")
    first, last = (int(side) if side else None for side in match.groups())
    total = count() if (first or 0) < 0 or (last or 0) < 0 else 0
    span = Span(_from_start(first or 0, total), None if last is None else _from_start(last, total), text or ":")
    if total or (span.last is not None and span.last <= span.first):
        span.check(max(total, span.first + 1))
    return span


def _from_start(side: int, total: int) -> int:
    return side + total if side < 0 else side
