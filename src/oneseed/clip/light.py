"""What HDR says of its light, which the picture does not: the screen it was graded on, and how bright it gets.

SMPTE ST 2086 and CTA-861.3. FFmpeg shows both beside a frame, and PyAV cannot hand them to an encoder but as its parameters.
"""

import struct
from dataclasses import dataclass
from typing import Any

from av import VideoFrame

_RATIONALS = "<20i2i"  # AVMasteringDisplayMetadata: ten fractions and which of them are there


@dataclass(frozen=True)
class Light:
    """`screen`: x and y of red, green, blue and white, least and most candela per square metre; `level`: of the brightest
    pixel, and of the brightest frame's mean. None where the source does not say."""

    screen: tuple[float, ...] | None = None
    level: tuple[int, int] | None = None

    def params(self, option: str | None) -> tuple[str, ...]:
        """For the option x265-params, x264-params or svtav1-params; nothing for another."""
        names = _NAMES.get(option or "")
        if names is None:
            return ()
        screen, level = names
        shown = [] if self.screen is None else [f"{screen}={_screen(self.screen, decimal=option == 'svtav1-params')}"]
        return (*shown, *([] if self.level is None else [f"{level}={self.level[0]},{self.level[1]}"]))


_NAMES = {
    "x264-params": ("mastering-display", "cll"),
    "x265-params": ("master-display", "max-cll"),
    "svtav1-params": ("mastering-display", "content-light"),
}


def light_of(frame: VideoFrame) -> Light | None:
    """What stands beside the frame; None if nothing does."""
    beside: Any = frame.side_data
    held = {data.type.name: bytes(data) for data in beside}
    screen, level = held.get("MASTERING_DISPLAY_METADATA"), held.get("CONTENT_LIGHT_LEVEL")
    light = Light(
        None if screen is None else _read_screen(screen), None if level is None else struct.unpack_from("<2I", level)
    )
    return None if light == Light() else light


def _read_screen(data: bytes) -> tuple[float, ...] | None:
    *numbers, primaries, luminance = struct.unpack_from(_RATIONALS, data)
    above, below = numbers[::2], numbers[1::2]
    whole = primaries and luminance and all(below)
    return tuple(a / b for a, b in zip(above, below, strict=True)) if whole else None


def _screen(values: tuple[float, ...], decimal: bool) -> str:
    """Steps of 0.00002 for colours and of 0.0001 for light, or as they are."""
    shown = [
        f"{value:.7g}" if decimal else f"{value * scale:.0f}" for value, scale in zip(values, _SCALES, strict=True)
    ]
    red, green, blue, white, (least, most) = (shown[place : place + 2] for place in range(0, 10, 2))
    points = [f"{name}({','.join(point)})" for name, point in (("G", green), ("B", blue), ("R", red), ("WP", white))]
    return "".join(points) + f"L({most},{least})"


_SCALES = (50000,) * 8 + (10000,) * 2
