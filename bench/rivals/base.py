"""The contract of a rival: a file of this room with these names."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from bench.tasks import Measurement
from oneseed.shapes import Frames

Family = Literal["interpolation", "least squares", "variation", "untrained", "denoiser", "diffusion", "supervised"]
WITHOUT_LEARNING: tuple[Family, ...] = ("interpolation", "least squares", "variation")


@dataclass(frozen=True)
class Restored:
    """What a method made, and how often it ran what it iterates."""

    x: Frames
    """Not clamped."""
    epochs: int = 0


@runtime_checkable
class Rival(Protocol):
    """A module with these. The first line of its docstring says what it is, and whose.

    It may also have `by_truth(given, reference)`: the same with its weight or its step chosen by the ground truth, which no
    user has. The table shows it beside `restore` as `NAME@truth`, with a star, and it never counts as the best rival.
    """

    FAMILY: Family

    def restore(self, given: Measurement) -> Restored | None:
        """The result; None where the rival does not apply."""
        ...
