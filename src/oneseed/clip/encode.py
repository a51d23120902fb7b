"""A clip to one video file, with all that its source holds beside the picture."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, repeat
from pathlib import Path

import av
from av import Packet, VideoFrame
from av.container import Flags, OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from oneseed.clip.cargo import Cargo, Share, cargo_of
from oneseed.clip.clip import Clip
from oneseed.clip.coded import FULL, LIMITED, coded
from oneseed.clip.coding import Coding
from oneseed.clip.containers import Container
from oneseed.clip.tags import PICTURE_SIZE, known_to_players, tags_of
from oneseed.clip.timing import tick_length, ticks
from oneseed.errors import RequestError

FINE = 48000  # ticks per second, enough not to clip the sound either


def encode(path: Path, clip: Clip, coding: Coding) -> tuple[str, list[str]]:
    """Write `clip` to `path`; say what became of the sound, and of the rest.

    Alpha, of the size of the frames, is written where `coding` has it. What cannot be written beside the picture is left
    out and said.
    """
    try:
        cargo = _mux(path, clip, coding, "all")
        return cargo.sound, cargo.rest
    except RequestError:  # of the frames; with less beside them they are no better
        raise
    except (FFmpegError, ValueError) as error:
        if clip.source is None:
            raise
        return _without(path, clip, coding, error)


def _without(path: Path, clip: Clip, coding: Coding, error: Exception) -> tuple[str, list[str]]:
    """The picture is worth more than the sound, and the sound more than the rest."""
    rest = [f"subtitles, chapters and tags: dropped: they cannot be written ({error})"]
    try:
        return _mux(path, clip, coding, "sound").sound, rest
    except (FFmpegError, ValueError) as worse:
        _mux(path, replace(clip, source=None), coding, "nothing")
        return f"dropped: it cannot be written ({worse})", rest


def _mux(path: Path, clip: Clip, coding: Coding, share: Share) -> Cargo:
    """Picture and cargo into one file."""
    steady_only = path.suffix.lower() == ".avi"
    shift = clip.times[0] if clip.cut or clip.times[0] < 0 or steady_only else Fraction(0)
    base = tick_length((*clip.times, clip.end), clip.rate)
    tags, cover = tags_of(clip.source) if share == "all" else ({}, False)
    sides = [side + coding.even * (side % 2) for side in clip.frames.shape[2:]]
    if sides != list(clip.frames.shape[2:]):
        tags[PICTURE_SIZE] = f"{clip.frames.shape[3]}x{clip.frames.shape[2]}"
    plain = known_to_players(tags) and (cover or bool(tags))
    container = replace(coding.container, covers=coding.container.covers and plain)
    with av.open(str(path), "w", container_options=_muxing(container, base, plain)) as out:
        out.flags |= Flags.bitexact.value
        out.metadata.update(tags)
        stream = _stream(out, clip, coding, base, sides)
        with cargo_of(clip, out, container, shift, share) as cargo:
            for packet in _packets(stream, clip, coding, shift):
                for packed in cargo.until((packet.dts or 0) * packet.time_base):
                    out.mux(packed)
                out.mux(packet)
            for packed in cargo.until(None):
                out.mux(packed)
            return cargo


def _muxing(container: Container, base: Fraction, plain: bool) -> dict[str, str]:
    """The clock of the whole file must count the ticks of the picture, or its last frames fall off the edit list.

    Tags of any name, but no cover, are kept as QuickTime has them; `plain` ones where every player of .mp4 looks.
    """
    if container.format not in ("mp4", "mov"):
        return {}
    clock = base.denominator * -(-FINE // base.denominator)
    free = "" if container.format == "mp4" and plain else "+use_metadata_tags"
    return {"movflags": f"+faststart{free}", "movie_timescale": str(clock)}


def _stream(out: OutputContainer, clip: Clip, coding: Coding, base: Fraction, sides: list[int]) -> VideoStream:
    stream = out.add_stream(coding.codec, rate=clip.rate, options=coding.settings(clip.light))
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = sides
    stream.pix_fmt = coding.pixel_format
    stream.sample_aspect_ratio = clip.pixel_aspect
    context = stream.codec_context
    context.time_base = base
    context.thread_count = 1  # the bytes depend on it
    matrix, full = coding.colours(clip.matrix, clip.full)
    context.colorspace, context.color_range = matrix, FULL if full else LIMITED
    context.color_primaries, context.color_trc = clip.primaries, clip.transfer
    if coding.tag:
        context.codec_tag = coding.tag
    if coding.alpha and coding.container.format in ("webm", "matroska"):
        stream.metadata["alpha_mode"] = "1"
    return stream


def _packets(stream: VideoStream, clip: Clip, coding: Coding, shift: Fraction) -> Iterator[Packet]:
    base = stream.codec_context.time_base
    edges = ticks([time - shift for time in (*clip.times, clip.end)], base)
    lengths = {early: late - early for early, late in pairwise(edges)}
    mattes = clip.alpha if coding.alpha and clip.alpha is not None else repeat(None)
    for image, alpha, pts in zip(clip.frames, mattes, edges, strict=False):
        frame = _frame(image, alpha, clip, coding, stream)
        frame.pts, frame.time_base = pts, base
        yield from _timed(stream.encode(frame), lengths)
    yield from _timed(stream.encode(None), lengths)


def _timed(packets: list[Packet], lengths: dict[int, int]) -> Iterator[Packet]:
    for packet in packets:
        packet.duration = lengths[packet.pts or 0]
        yield packet


def _frame(
    image: Float[Tensor, "3 H W"],
    alpha: Float[Tensor, "1 H W"] | None,
    clip: Clip,
    coding: Coding,
    stream: VideoStream,
) -> VideoFrame:
    margin = (0, stream.width - image.shape[2], 0, stream.height - image.shape[1])
    whole, matte = (
        None if part is None else pad(part.detach().cpu().float().clamp(0, 1)[None], margin, mode="replicate")[0]
        for part in (image, alpha)
    )
    assert whole is not None
    matrix, full = coding.colours(clip.matrix, clip.full)
    frame = coded(whole, matte, coding.pixel_format, matrix, full)
    frame.color_primaries, frame.color_trc = clip.primaries, clip.transfer
    return frame
