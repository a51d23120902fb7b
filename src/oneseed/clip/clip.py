"""A clip: frames in memory and everything about the file that the frames do not say."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from oneseed.clip.light import Light
from oneseed.clip.reel import Reel
from oneseed.shapes import Frames


@dataclass(frozen=True)
class Clip:
    """Frames `N 3 H W`, float32, RGB in [0, 1], in memory or left on disk, and when each is shown.

    Raises:
        ValueError: no frames, not three colours, or not one rising time stamp per frame, or
            not as much alpha as frames.
    """

    frames: Any
    """`Frames`, or a `Reel` of them."""

    rate: Fraction
    """Frames per second, nominal or average: 30000/1001, not 29.97."""

    times: tuple[Fraction, ...]
    """When each frame is shown, in seconds, on the clock of the source."""

    bits: int = 8
    """Depth of the source: 8, or 16 for anything finer."""

    source: Path | None = None
    """The file or folder that was read; `write` takes the sound from it."""

    until: Fraction | None = None
    """When the last frame is no longer shown, in seconds; None is one frame after it appears."""

    cut: bool = False
    """Frames were left out at either end: `write` starts at zero and cuts the sound to match."""

    pixel_aspect: Fraction = Fraction(1)
    """Width over height of one pixel."""

    primaries: int = 1
    """Colour primaries, by their number in ISO/IEC 23091-2; 1 is BT.709."""

    transfer: int = 1
    """Transfer characteristics, by their number in ISO/IEC 23091-2; 1 is BT.709."""

    matrix: int = 1
    """Matrix coefficients of Y'CbCr, by their number in ISO/IEC 23091-2; 1 is BT.709."""

    full: bool = False
    """Y'CbCr uses all code values, and not the limited range of video."""

    light: Light | None = None
    """What HDR says of its light."""

    alpha: Any = None
    """`N 1 H W` in [0, 1] of any size, in memory or a `Reel`; None is opaque throughout."""

    def __post_init__(self) -> None:
        if self.frames.shape[0] == 0 or self.frames.shape[1] != 3:
            raise ValueError(f"frames are {tuple(self.frames.shape)}; a clip needs at least one frame of three colours")
        if len(self.times) != len(self.frames):
            raise ValueError(f"{len(self.frames)} frames but {len(self.times)} time stamps")
        if self.alpha is not None and len(self.alpha) != len(self.frames):
            raise ValueError(f"{len(self.frames)} frames but {len(self.alpha)} of alpha")
        if any(late <= early for early, late in pairwise((*self.times, self.end))):
            raise ValueError("time stamps do not rise")

    @property
    def end(self) -> Fraction:
        """When the last frame is no longer shown, in seconds."""
        return self.times[-1] + 1 / self.rate if self.until is None else self.until

    @classmethod
    def steady(cls, frames: Frames, rate: Fraction | int, bits: int = 8, source: Path | None = None) -> "Clip":
        """A clip that starts at zero and shows every frame equally long."""
        exact = Fraction(rate)
        return cls(frames, exact, tuple(n / exact for n in range(len(frames))), bits, source)

    def with_frames(self, frames: Frames | Reel) -> "Clip":
        """The same clip with other frames: as many, of any size. Its alpha stays, and is resized when it is written.

        Raises:
            ValueError: another number of frames.
        """
        return replace(self, frames=frames)


@dataclass(frozen=True)
class Written:
    """What `write` made."""

    path: Path
    codec: str
    sound: str
    """"none", or what happened to it: "aac copied", "pcm_s16le re-encoded to aac", "dropped: ..."."""

    rest: tuple[str, ...] = ()
    """What happened to all else that was there: "subtitles: subrip copied", "chapters: 3", "alpha: in a.mp4.alpha.mkv"."""

    @property
    def report(self) -> str:
        """Sound and the rest in one line."""
        return "; ".join((f"sound: {self.sound}", *self.rest))
