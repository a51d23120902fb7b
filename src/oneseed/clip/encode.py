"""A clip to one video file: H.264, VP9, Motion JPEG, or FFV1 without loss, with the sound of its source beside it."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av import Packet, VideoFrame
from av.container import Flags, OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from oneseed.clip.clip import Clip
from oneseed.clip.coding import Coding, coding_of
from oneseed.clip.images import codes_of
from oneseed.clip.pixels import FULL, LIMITED, rgb_frame, yuv_frame
from oneseed.clip.sound import sound_of
from oneseed.clip.timing import tick_length, ticks
from oneseed.clip.video import PICTURE_SIZE

FINE = 48000  # ticks per second, enough not to clip the sound either


def encode(path: Path, clip: Clip, lossless_bits: int | None) -> tuple[str, str]:
    """Write `clip` to `path`, without loss in 8 or 16 bits if asked; say which codec, and what became of the sound."""
    coding = coding_of(path.suffix.lower(), lossless_bits)
    try:
        return coding.encoder, _mux(path, clip, coding)
    except (FFmpegError, ValueError) as error:
        if clip.source is None:
            raise
        _mux(path, replace(clip, source=None), coding)  # the picture is worth more than the sound
        return coding.encoder, f"dropped: it cannot be written ({error})"


def _mux(path: Path, clip: Clip, coding: Coding) -> str:
    """Picture and sound into one file; what became of the sound."""
    steady_only = path.suffix.lower() == ".avi"
    shift = clip.times[0] if clip.cut or clip.times[0] < 0 or steady_only else Fraction(0)
    base = tick_length((*clip.times, clip.end), clip.rate)
    with av.open(str(path), "w", container_options=_muxing(path.suffix.lower(), base)) as out:
        out.flags |= Flags.bitexact.value
        stream = _stream(out, clip, coding, base)
        with sound_of(clip, out, coding, shift) as sound:
            for packet in _packets(stream, clip, coding, shift):
                for heard in sound.until((packet.dts or 0) * packet.time_base):
                    out.mux(heard)
                out.mux(packet)
            for heard in sound.until(None):
                out.mux(heard)
            return sound.report


def _muxing(ending: str, base: Fraction) -> dict[str, str]:
    """The clock of the whole file must count the ticks of the picture, or its last frames fall off the edit list."""
    if ending not in (".mp4", ".mov"):
        return {}
    clock = base.denominator * -(-FINE // base.denominator)
    return {"movflags": "+faststart+use_metadata_tags", "movie_timescale": str(clock)}


def _stream(out: OutputContainer, clip: Clip, coding: Coding, base: Fraction) -> VideoStream:
    height, width = clip.frames.shape[2:]
    stream = out.add_stream(coding.encoder, rate=clip.rate, options=dict(coding.options))
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = width + coding.even * (width % 2), height + coding.even * (height % 2)
    if (stream.width, stream.height) != (width, height):
        out.metadata[PICTURE_SIZE] = f"{width}x{height}"
    stream.pix_fmt = coding.pixel_format
    stream.sample_aspect_ratio = clip.pixel_aspect
    context = stream.codec_context
    context.time_base = base
    context.thread_count = 1  # the bytes depend on it
    context.colorspace = coding.matrix
    context.color_range = LIMITED if coding.pixel_format == "yuv420p" else FULL
    context.color_primaries, context.color_trc = clip.primaries, clip.transfer
    return stream


def _packets(stream: VideoStream, clip: Clip, coding: Coding, shift: Fraction) -> Iterator[Packet]:
    base = stream.codec_context.time_base
    edges = ticks([time - shift for time in (*clip.times, clip.end)], base)
    lengths = {early: late - early for early, late in pairwise(edges)}
    for image, pts in zip(clip.frames, edges, strict=False):
        frame = _frame(image.detach().cpu(), coding, stream)
        frame.pts, frame.time_base = pts, base
        yield from _timed(stream.encode(frame), lengths)
    yield from _timed(stream.encode(None), lengths)


def _timed(packets: list[Packet], lengths: dict[int, int]) -> Iterator[Packet]:
    for packet in packets:
        packet.duration = lengths[packet.pts or 0]
        yield packet


def _frame(image: Float[Tensor, "3 H W"], coding: Coding, stream: VideoStream) -> VideoFrame:
    if coding.encoder == "ffv1":
        return rgb_frame(codes_of(image, 8 if coding.pixel_format == "bgr0" else 16), coding.pixel_format)
    margin = (0, stream.width - image.shape[2], 0, stream.height - image.shape[1])
    whole = pad(image.float().clamp(0, 1)[None], margin, mode="replicate")[0]
    return yuv_frame(whole, coding.pixel_format, coding.matrix)
