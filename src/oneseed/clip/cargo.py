"""All that travels with the picture, packet by packet, on the clock of what is being written: sound, subtitles, fonts,
chapters, tags."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import av
from av import Packet
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.stream import Stream

from oneseed.clip.chapters import chapters_of, report_of
from oneseed.clip.clip import Clip
from oneseed.clip.containers import Container
from oneseed.clip.soundtrack import Copied, Encoded
from oneseed.clip.subtitles import Shown
from oneseed.clip.video import origin
from oneseed.clip.window import Window

Share = Literal["all", "sound", "nothing"]


class Cargo:
    """Packets in the order of their time, handed out as the picture advances, and reports of what became of what."""

    def __init__(self, sound: str, rest: list[str], packets: Iterator[tuple[Fraction, Packet]]):
        self.sound, self.rest, self._packets = sound, rest, packets
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
            self.sound += f", up to where it cannot be read ({error})"
            return None


@dataclass
class _Loading:
    """Tracks by their number in the source, and what is to be said of them."""

    tracks: dict[int, Copied | Encoded | Shown]
    sound: list[str]
    subtitles: list[str]
    other: list[str]


@contextmanager
def cargo_of(
    clip: Clip, out: OutputContainer, container: Container, shift: Fraction, share: Share = "all"
) -> Iterator[Cargo]:
    """Add what `clip.source` holds beside the picture to `out`, `shift` seconds earlier; if `clip` is cut, what it spans.

    `share` "sound" is sound alone.
    """
    if clip.source is None or clip.source.is_dir() or share == "nothing":
        yield Cargo("none", [], iter(()))
        return
    try:
        source = av.open(str(clip.source))
    except (FFmpegError, OSError) as error:
        yield Cargo(f"dropped: {clip.source} cannot be read ({error.strerror})", [], iter(()))
        return
    with source:
        length = clip.end - clip.times[0] if clip.cut else None
        window = Window(origin(source) + shift, length, before=not clip.cut and container.format in ("mp4", "mov"))
        loading = _Loading({}, [], [], [])
        for stream in source.streams.audio:
            _add_sound(loading, stream, out, container, window)
        if share == "all":
            for stream in source.streams:
                _add_other(loading, stream, out, container, window)
            chapters = chapters_of(source, window)
            if container.chapters:
                out.set_chapters(chapters)
            said = report_of(len(chapters), container.chapters, container.format)
            rest = [*_joined("subtitles", loading.subtitles), *said, *loading.other]
        else:
            rest = []
        yield Cargo(", ".join(loading.sound) or "none", rest, _packets(source, loading.tracks))


def _add_sound(
    loading: _Loading, stream: AudioStream, out: OutputContainer, container: Container, window: Window
) -> None:
    if stream.codec_context is None:
        loading.sound.append("dropped: FFmpeg does not know the codec")
        return
    name = stream.codec_context.codec.canonical_name
    if name in container.copied:
        primed = name == "opus" or "matroska" in stream.container.format.name  # says how much is not to be heard
        lead = primed and window.length is None
        loading.tracks[stream.index] = Copied(stream, out, replace(window, before=window.before or lead))
        loading.sound.append(f"{name} copied")
    else:
        loading.tracks[stream.index] = Encoded(stream, out, container.sound, window)
        loading.sound.append(f"{name} encoded again as {container.sound}")


def _add_other(loading: _Loading, stream: Stream, out: OutputContainer, container: Container, window: Window) -> None:
    if stream.type == "subtitle":
        name = stream.codec_context.codec.canonical_name if stream.codec_context else "subtitles of an unknown codec"
        try:
            loading.tracks[stream.index] = Shown(stream, out, window)
            loading.subtitles.append(f"{name} copied")
        except (ValueError, FFmpegError):
            loading.subtitles.append(f"dropped: {container.format} cannot hold {name}")
    elif stream.type == "attachment":
        name = stream.metadata.get("filename", "a file")
        if container.attachments:
            out.add_stream_from_template(stream)
        loading.other.append(
            f"{name} copied" if container.attachments else f"{name} dropped: {container.format} cannot hold attachments"
        )


def _joined(what: str, reports: list[str]) -> list[str]:
    return [f"{what}: {', '.join(reports)}"] if reports else []


def left_out(clip: Clip, what: str) -> tuple[str, list[str]]:
    """What to report of sound and of the rest where `what` holds neither."""
    if clip.source is None or clip.source.is_dir():
        return "none", []
    try:
        with av.open(str(clip.source)) as source:
            sound = f"dropped: {what} holds no sound" if source.streams.audio else "none"
            rest = [f"subtitles: dropped: {what} holds none"] if source.streams.subtitles else []
            return sound, [*rest, *([f"chapters: dropped: {what} holds none"] if source.chapters() else [])]
    except (FFmpegError, OSError):
        return "none", []


def _packets(source: InputContainer, tracks: dict[int, Copied | Encoded | Shown]) -> Iterator[tuple[Fraction, Packet]]:
    if not tracks:
        return
    for packet in source.demux(tuple(source.streams[number] for number in tracks)):
        for made in tracks[packet.stream.index].feed(packet):
            yield (made.pts or 0) * made.time_base, made
