"""A tiny film with all that a file can hold beside the picture, made with PyAV alone."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.subtitles.subtitle import SubtitleSet
from tests.clip_inputs import beep, pattern

MILLISECOND = Fraction(1, 1000)
LINES = ((100, 300, b"hello"), (500, 900, "wörld".encode()))
"""When a subtitle is shown, in milliseconds, until when, and what it says."""
CHAPTERS = ((0, 400, "One"), (400, 1000, "Two"))
TAGS = {"title": "A film", "artist": "Someone", "date": "2019"}
TRACKS = (("eng", "Main", Disposition.default), ("fra", "Remarks", Disposition.comment | Disposition.forced))
FONT = b"\0\1\2 a font"
_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def make_film(
    path: Path,
    subtitles: tuple[str, ...] = (),
    sound: str | None = None,
    codec: str = "libx264",
    chapters: tuple[tuple[int, int, str], ...] = CHAPTERS,
    tags: dict[str, str] = TAGS,
    font: bool = False,
) -> Path:
    """25 frames of 64x48 in a second, a track of sound for each of TRACKS, and one of subtitles for each codec."""
    with av.open(str(path), "w") as out:
        out.metadata.update(tags)
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        heard = [_add_sound(out, sound, *track) for track in TRACKS] if sound else []
        lines = [line for name in subtitles for line in _lines(out, name)]
        if font:
            out.add_attachment("a.ttf", "font/ttf", FONT)
        named = [{"title": title} for _, _, title in chapters]
        out.set_chapters(
            [
                {"id": n + 1, "start": first, "end": last, "time_base": MILLISECOND, "metadata": named[n]}
                for n, (first, last, _) in enumerate(chapters)
            ]
        )
        for number, codes in enumerate(pattern(25)):
            frame = av.VideoFrame.from_ndarray(codes, "rgb24").reformat(format="yuv420p", threads=1)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        for track in heard:
            for frame in beep(0.0, 1.0):
                out.mux(track.encode(frame))
            out.mux(track.encode(None))
        for packet in sorted(lines, key=lambda packet: packet.pts):
            out.mux(packet)
    return path


def _add_sound(out, codec: str, language: str, title: str, disposition: Disposition):
    stream = out.add_stream(codec, rate=48000, layout="mono")
    stream.metadata.update(language=language, title=title)
    stream.disposition = disposition
    return stream


def _lines(out, codec: str) -> Iterator[av.Packet]:
    """Text is encoded; pictures (PGS) are bytes that no muxer looks into, without a length, as those are."""
    pictures = codec == "hdmv_pgs_subtitle"
    stream = out.add_mux_stream(codec, time_base=MILLISECOND) if pictures else out.add_stream(codec)
    if not pictures:
        stream.codec_context.time_base, stream.codec_context.subtitle_header = MILLISECOND, _HEADER
    stream.metadata.update(language="fra", title="Sous-titres")
    stream.disposition = Disposition.default | Disposition.forced
    for number, (first, last, text) in enumerate(LINES):
        if pictures:
            packet = av.Packet(b"\x16\0\x0b" + text.ljust(11, b"\0") + b"\x80\0\0")  # one segment, and the end
        else:
            dialogue = b"%d,0,Default,,0,0,0,,%s" % (number, text)
            packet = stream.codec_context.encode_subtitle(SubtitleSet.create(dialogue, 0, last - first))
            packet.duration = last - first
        packet.pts = packet.dts = first
        packet.time_base, packet.stream = MILLISECOND, stream
        yield packet


def packets_of(path: Path, kind: str) -> list[list[bytes]]:
    """The content of every packet of each stream of a kind; the empty texts between those of .mp4 left out."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        found: dict[int, list[bytes]] = {stream.index: [] for stream in streams}
        for packet in container.demux(streams) if streams else []:
            if packet.size and bytes(packet) != b"\0\0":
                found[packet.stream.index].append(bytes(packet))
    return list(found.values())


def shown_of(path: Path) -> list[tuple[int, int]]:
    """When each subtitle of the first track is shown, and until when, in milliseconds."""
    with av.open(str(path)) as container:
        return [
            (
                round(packet.pts * packet.time_base * 1000),
                round((packet.pts + packet.duration) * packet.time_base * 1000),
            )
            for packet in container.demux(container.streams.subtitles[0])
            if packet.size and bytes(packet) != b"\0\0"
        ]


def chapters_in(path: Path) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds, and title."""
    with av.open(str(path)) as container:
        return [
            (round(one["start"] * one["time_base"] * 1000), round(one["end"] * one["time_base"] * 1000),
             one["metadata"]["title"])
            for one in container.chapters()
        ]  # fmt: skip


def tracks_of(path: Path, kind: str) -> list[tuple[str | None, str | None, Disposition]]:
    """Language, title and disposition of each stream of a kind."""
    with av.open(str(path)) as container:
        return [
            (one.metadata.get("language"), one.metadata.get("title", one.metadata.get("name")), one.disposition)
            for one in container.streams
            if one.type == kind
        ]


def tags_in(path: Path) -> dict[str, str]:
    """Tags of the file, in small letters."""
    with av.open(str(path)) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


def ramp(bits: int, count: int = 2, height: int = 16, width: int = 64) -> np.ndarray:
    """A grey ramp in 16-bit codes, finer than 8 bits: `N H W 3`."""
    levels = np.linspace(0.3, 0.3 + width / 2**bits, width) * 65535
    return np.broadcast_to(levels.round().astype(np.uint16)[None, None, :, None], (count, height, width, 3)).copy()
