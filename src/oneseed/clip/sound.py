"""The sound of a clip's source, packet by packet, on the clock of what is being written."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
from av import Packet
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError

from oneseed.clip.clip import Clip
from oneseed.clip.coding import Coding
from oneseed.clip.soundtrack import Copied, Encoded, Window
from oneseed.clip.video import origin


class Sound:
    """Packets in the order of their time, handed out as the picture advances."""

    def __init__(self, report: str, packets: Iterator[tuple[Fraction, Packet]]):
        self.report, self._packets = report, packets
        self._next = self._advance()

    def until(self, time: Fraction | None) -> Iterator[Packet]:
        """Packets up to `time` in seconds, or all that are left."""
        while self._next is not None and (time is None or self._next[0] <= time):
            yield self._next[1]
            self._next = self._advance()

    def _advance(self) -> tuple[Fraction, Packet] | None:
        try:
            return next(self._packets, None)
        except (FFmpegError, ValueError) as error:  # the picture is worth more than the rest of the sound
            self.report += f", up to where it cannot be read ({error})"
            return None


@contextmanager
def sound_of(clip: Clip, out: OutputContainer, coding: Coding, shift: Fraction) -> Iterator[Sound]:
    """Add the sound of `clip.source` to `out`, `shift` seconds earlier, and only what `clip` spans if it is cut."""
    if clip.source is None or clip.source.is_dir():
        yield Sound("none", iter(()))
        return
    try:
        container = av.open(str(clip.source))
    except (FFmpegError, OSError) as error:
        yield Sound(f"dropped: {clip.source} cannot be read ({error.strerror})", iter(()))
        return
    with container:
        length = clip.end - clip.times[0] if clip.cut else None
        window = Window(origin(container) + shift, length, before=not clip.cut and out.format.name in ("mp4", "mov"))
        tracks: dict[int, Copied | Encoded] = {}
        reports = []
        for heard in container.streams.audio:
            name = heard.codec_context.codec.canonical_name
            copied = name in coding.copied
            tracks[heard.index] = Copied(heard, out, window) if copied else Encoded(heard, out, coding.sound, window)
            reports.append(f"{name} copied" if copied else f"{name} encoded again as {coding.sound}")
        yield Sound(", ".join(reports) or "none", _packets(container, tracks))


def dropped(clip: Clip, why: str) -> str:
    """What to report where no sound can be written: "none" if there was none."""
    if clip.source is None or clip.source.is_dir():
        return "none"
    try:
        with av.open(str(clip.source)) as container:
            return f"dropped: {why}" if container.streams.audio else "none"
    except (FFmpegError, OSError):
        return "none"


def _packets(container: InputContainer, tracks: dict[int, Copied | Encoded]) -> Iterator[tuple[Fraction, Packet]]:
    if not tracks:
        return
    for packet in container.demux(tuple(container.streams.audio)):
        for made in tracks[packet.stream.index].feed(packet):
            yield (made.pts or 0) * made.time_base, made
