"""How a file is encoded, where that is not left to its ending."""

from dataclasses import dataclass
from pathlib import Path

from oneseed.errors import RequestError


@dataclass(frozen=True)
class Encoding:
    """What was asked for; None is what docs/files.md has for the ending.

    Raises:
        RequestError: `lossless` beside a choice that it leaves nobody.
    """

    lossless: bool = False
    """FFV1 in RGB, exact in 8 or 16 bits: for .mkv alone."""

    codec: str | None = None
    """FFmpeg's name of the encoder of the picture: libx264, prores_ks."""

    crf: int | None = None
    """Constant rate factor: 0 is best."""

    pixel_format: str | None = None
    """FFmpeg's name of the pixel format: yuv444p10le."""

    def __post_init__(self) -> None:
        if self.lossless and self.options:
            raise RequestError(
                f"--lossless beside {self.options[0]}; needed one of them. Leave one out, or add --codec ffv1 instead."
            )

    @property
    def options(self) -> list[str]:
        """The choices that were made, as they are on the command line."""
        asked = (("--codec", self.codec), ("--crf", self.crf), ("--pix-fmt", self.pixel_format))
        return [f"{option} {value}" for option, value in asked if value is not None]

    def exact(self, path: Path) -> bool:
        """`path` will hold frames in the depth of the source, without loss."""
        return self.lossless or not path.suffix
