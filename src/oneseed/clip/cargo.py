"""All that travels with the picture, packet by packet, on the clock of what is being written: sound, subtitles, fonts,
chapters, tags."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

import av
from av import Packet
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream

from oneseed.clip.chapters import chapters_of, report_of
from oneseed.clip.clip import Clip
from oneseed.clip.containers import Container
from oneseed.clip.soundtrack import Copied, Encoded
from oneseed.clip.subtitles import Shown
from oneseed.clip.video import first_video, origin
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
    """Tracks by their number in the source, what comes before them, and what is to be said."""

    tracks: dict[int, Copied | Encoded | Shown] = field(default_factory=dict)
    first: list[Packet] = field(default_factory=list)
    sound: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


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
        loading = _Loading()
        for stream in source.streams.audio:
            _add_sound(loading, stream, out, container, window)
        if share == "all":
            for stream in source.streams:
                _add_other(loading, source, stream, out, container, window)
            chapters = chapters_of(source, window)
            if container.chapters:
                out.set_chapters(chapters)
            said = report_of(len(chapters), container.chapters, container.format)
            rest = [*_of_subtitles(loading, container), *said, *dict.fromkeys(loading.other)]
        else:
            rest = []
        yield Cargo(", ".join(loading.sound) or "none", rest, _packets(source, loading))


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


def _add_other(
    loading: _Loading,
    source: InputContainer,
    stream: Stream,
    out: OutputContainer,
    container: Container,
    window: Window,
) -> None:
    if stream.type == "subtitle":
        name = stream.codec_context.codec.canonical_name if stream.codec_context else "an unknown codec"
        try:
            loading.tracks[stream.index] = Shown(stream, out, window)
            loading.copied.append(name)
        except (ValueError, FFmpegError):
            loading.refused.append(name)
    elif stream.type == "attachment":
        name = stream.metadata.get("filename", "an attachment")
        if container.attachments:
            out.add_stream_from_template(stream)
        loading.other.append(f"{name} copied" if container.attachments else _cannot(container, name))
    elif stream.type == "video" and stream.disposition & Disposition.attached_pic:
        loading.other.append(_add_cover(loading, source, stream, out, container))
    elif stream.type == "video" and stream != first_video(source):
        loading.other.append("another video stream: dropped")
    elif stream.type == "data" and not source.chapters():  # which .mp4 has as data, too
        loading.other.append("a stream of data: dropped")


def _add_cover(
    loading: _Loading, source: InputContainer, stream: Stream, out: OutputContainer, container: Container
) -> str:
    packet = next(iter(source.demux(stream)))  # comes before all others
    kind = {"mjpeg": "jpeg"}.get(stream.codec_context.name, stream.codec_context.name)
    name = stream.metadata.get("filename", f"cover.{kind}")
    if container.attachments:
        out.add_attachment(name, stream.metadata.get("mimetype", f"image/{kind}"), bytes(packet))
    elif container.covers:
        cover = out.add_stream_from_template(stream, opaque=True)
        cover.disposition = stream.disposition
        packet.stream = cover
        loading.first.append(packet)
    else:
        return _cannot(container, name)
    return f"{name} copied"


def _cannot(container: Container, name: str) -> str:
    return f"{name}: dropped: {container.format} cannot hold it"


def _of_subtitles(loading: _Loading, container: Container) -> list[str]:
    said = [f"{', '.join(loading.copied)} copied"] if loading.copied else []
    said += [f"dropped: {container.format} cannot hold {', '.join(loading.refused)}"] if loading.refused else []
    return [f"subtitles: {'; '.join(said)}"] if said else []


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


def _packets(source: InputContainer, loading: _Loading) -> Iterator[tuple[Fraction, Packet]]:
    yield from ((Fraction(0), packet) for packet in loading.first)
    if not loading.tracks:
        return
    for packet in source.demux(tuple(source.streams[number] for number in loading.tracks)):
        for made in loading.tracks[packet.stream.index].feed(packet):
            yield (made.pts or 0) * made.time_base, made
