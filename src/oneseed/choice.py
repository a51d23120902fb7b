"""How strongly something should weigh differs from clip to clip: measurements that a solve has not seen decide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from torch import Tensor

from oneseed.normal import Degrade, each_measured
from oneseed.shapes import Frames, Measured

S = TypeVar("S", bound=Any)  # a dataclass of strengths
Moves = Sequence[Sequence[tuple[str, Any]]]
"""For one field after the other: the values to try, in order."""


@dataclass(frozen=True)
class Attempt(Generic[S]):
    strengths: S
    x: Frames
    errors: Tensor
    """Squared, one for each measurement that was held out."""

    def beats(self, other: "Attempt[S]", margin: float) -> bool:
        """By two standard errors of the mean difference, and by a share `margin` of the error."""
        gain = other.errors - self.errors
        return bool(gain.mean() > max(2 * gain.std() / len(gain) ** 0.5, margin * other.errors.mean()))


class Judge:
    """What was held out of y, and how far it can be trusted to judge.

    Args:
        seen: 1 for the measurements that attempts may see, 0 for those that judge them.
        noise: s.
        like: any frames.
    """

    def __init__(self, y: Measured, degrade: Degrade, seen: Measured, noise: float, like: Frames):
        self._degrade, self._hidden, self._noise, self._like = degrade, seen == 0, noise, like
        self._truth = y[self._hidden]
        self.holds_any = bool(self._hidden.any())

    @cached_property
    def mixes(self) -> bool:
        """Whether A mixes pixels."""
        return each_measured(self._degrade, self._like) is None

    def choose(self, solve: Callable[[S], Frames], strengths: S, moves: Callable[[bool], Moves]) -> Attempt[S]:
        """One field after the other: the first value that predicts better, else as it was.

        Where A mixes pixels, a gain of 5 % at least: a measurement left out leaves more to guess than one that is there.

        Args:
            solve: from strengths to the video that they give, from what may be seen.
            moves: what to try; told whether there is more to judge by than noise. If not, what A hides is not judged, and
                smoothing it away would look like a gain: only weaker smoothing is safe to try.
        """
        best = self._attempt(solve, strengths)
        judged = bool(best.errors.mean() > 2 * self._noise**2)
        margin = 0.05 if judged and self.mixes else 0.0
        for alternatives in moves(judged):
            here = best
            for field, value in alternatives:
                other = self._attempt(solve, replace(here.strengths, **{field: value}))
                if other.beats(here, margin):
                    best = other
                    break
        return best

    def _attempt(self, solve: Callable[[S], Frames], strengths: S) -> Attempt[S]:
        x = solve(strengths)
        return Attempt(strengths, x, (self._degrade(x)[self._hidden] - self._truth).square())


def only(used: Measured, y: Measured, degrade: Degrade) -> tuple[Measured, Degrade]:
    """The measurements where `used` is 1; 0 takes the place of the others."""
    return y * used, lambda x: degrade(x) * used


def larger_or_smaller(field: str, value: float, spread: float, judged: bool) -> list[tuple[str, float]]:
    """A standard deviation `spread` times larger, and as much smaller where that can be judged; a spread of 1 tries nothing."""
    factors = () if spread == 1 else (spread, 1 / spread) if judged else (spread,)
    return [(field, value * factor) for factor in factors]
