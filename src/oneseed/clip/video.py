"""A video file as a row of pictures, decoded one by one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path

import av
from av import VideoFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from oneseed.clip.colour import BT709, UNSPECIFIED
from oneseed.clip.light import light_of
from oneseed.clip.matroska import missing_bytes
from oneseed.clip.picture import Picture
from oneseed.clip.pixels import alpha_of, colours_of, has_alpha, image_of, turned
from oneseed.clip.tags import PICTURE_SIZE
from oneseed.errors import RequestError


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """The file as a PyAV container.

    Raises:
        RequestError: empty, or in no format that FFmpeg reads; also whatever fails while it is read.
    """
    if path.stat().st_size == 0:
        raise RequestError(f"{path} is empty (0 bytes); needed a video file. Check how it was made or copied.")
    try:
        with av.open(str(path)) as container:
            yield container
    except (FFmpegError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(
            f"{path} cannot be read ({reason}); needed an intact video file. Check that it plays, or re-encode it."
        ) from error


def origin(container: InputContainer) -> Fraction:
    """The source time that counts as zero: broadcast formats start their clock anywhere."""
    anywhere = container.format.name in ("mpegts", "mpeg")
    return Fraction(container.start_time or 0, av.time_base) if anywhere else Fraction(0)


def first_video(container: InputContainer) -> VideoStream | None:
    """The first video stream. Cover pictures do not count."""
    streams = container.streams.video
    return next((stream for stream in streams if not stream.disposition & Disposition.attached_pic), None)


class Video:
    """The first video stream of an open file.

    Raises:
        RequestError: no video stream.
    """

    def __init__(self, container: InputContainer, path: Path):
        stream = first_video(container)
        if stream is None:
            held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
            raise RequestError(f"{path} holds no video (found: {held}); needed a video stream. Choose another file.")
        self.container, self.stream, self.path = container, stream, path
        context = self.stream.codec_context
        context.thread_type = "AUTO"
        context.options = {"err_detect": "explode"}
        self.rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        self.tick = self.stream.time_base or Fraction(1, av.time_base)
        self.expected = self.stream.frames
        self.bits = 16 if context.format and any(part.bits > 8 for part in context.format.components) else 8
        self.primaries, self.transfer = _tag(context.color_primaries), _tag(context.color_trc)
        self.matrix, self.full, self.light = BT709, False, None
        self._fields = getattr(context, "field_order", _PROGRESSIVE) > _PROGRESSIVE  # since PyAV 18.1

    def count(self) -> int:
        """Frames in the stream, counted by decoding it."""
        with opened(self.path) as container:
            return sum(1 for _ in Video(container, self.path)._frames())

    def pictures(self) -> Iterator[Picture]:
        """Every frame in the order of showing. With the first, `matrix`, `full` and `light` are what it says.

        Raises:
            RequestError: a frame that cannot be decoded, has another size than the first, is interlaced, or is not
                shown later than the one before.
        """
        zero, size, previous = origin(self.container), None, None
        for number, frame in enumerate(self._frames()):
            time, name = self._time(frame, previous, zero), f"frame {number} of {self.path}"
            if previous is not None and time <= previous:
                raise RequestError(
                    f"{name} is shown at {float(time):.3f} s, the one before at {float(previous):.3f} s; "
                    "needed rising time stamps. Re-encode the file first."
                )
            if previous is None:
                (self.matrix, self.full), self.light = colours_of(frame), light_of(frame)
            if frame.interlaced_frame or self._fields:
                raise RequestError(f"{name} is interlaced; {_WEAVE.format(path=self.path)}")
            size = size or (frame.width, frame.height)
            if size != (frame.width, frame.height):
                raise RequestError(
                    f"{name} is {frame.width}x{frame.height}, the first one {size[0]}x{size[1]}; "
                    "needed one size. Cut the file where it changes."
                )
            previous = time
            end = time + (frame.duration * self.tick if frame.duration else 1 / self.rate)
            shown = self._picture_size(size)
            alpha = partial(alpha_of, frame, *shown) if has_alpha(frame) else None
            yield Picture(name, time, end, self._aspect(frame), partial(image_of, frame, *shown), alpha)

    def pictures_from(self, time: Fraction) -> Iterator[Picture] | None:
        """The picture shown at `time` and those after it, from the key frame before; None where that cannot be had."""
        try:
            self.container.seek(int((time + origin(self.container)) / self.tick), stream=self.stream)
            pictures = self.pictures()
            for picture in pictures:
                if picture.time >= time:
                    return chain([picture], pictures) if picture.time == time else None
        except (FFmpegError, RequestError):
            pass
        return None

    def _frames(self) -> Iterator[VideoFrame]:
        number = 0
        try:
            decoder = self._decoder()
            for packet in self.container.demux(self.stream):
                for frame in packet.decode() if decoder is None else decoder.decode(packet if packet.size else None):
                    if packet.is_corrupt or frame.is_corrupt:
                        raise RequestError(f"frame {number} of {self.path} is damaged; {_MEND}")
                    yield frame
                    number += 1
        except FFmpegError as error:
            raise RequestError(f"frame {number} of {self.path} cannot be read ({error.strerror}); {_MEND}") from error
        missing = missing_bytes(self.path)
        if missing:
            raise RequestError(f"frame {number} of {self.path} is missing, with the last {missing} bytes; {_MEND}")
        if number == 0:
            raise RequestError(f"{self.path} holds no frames; needed at least one. Choose another file.")

    def _decoder(self) -> VideoCodecContext | None:
        """Another decoder than FFmpeg's own, which does not see the alpha of VP8 and VP9; None elsewhere."""
        tags = {key.lower(): value for key, value in self.stream.metadata.items()}
        name = _CLEAR.get(self.stream.codec_context.name) if tags.get("alpha_mode") == "1" else None
        if name is None or name not in av.codecs_available:
            return None
        decoder = av.CodecContext.create(name, "r")
        assert isinstance(decoder, VideoCodecContext)
        return decoder

    def _time(self, frame: VideoFrame, previous: Fraction | None, zero: Fraction) -> Fraction:
        if frame.pts is not None:
            return frame.pts * self.tick - zero
        return Fraction(0) if previous is None else previous + 1 / self.rate

    def _aspect(self, frame: VideoFrame) -> Fraction:
        aspect = self.stream.sample_aspect_ratio or Fraction(1)
        return 1 / aspect if turned(frame) else aspect

    def _picture_size(self, coded: tuple[int, int]) -> tuple[int, int]:
        """The size that `write` noted, if the frame is the even one it made of that."""
        tags = {key.lower(): value for key, value in self.container.metadata.items()}
        match = re.fullmatch(r"(\d+)x(\d+)", tags.get(PICTURE_SIZE, ""))
        noted = (int(match[1]), int(match[2])) if match else coded
        return noted if tuple(side + side % 2 for side in noted) == coded else coded


_CLEAR = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_PROGRESSIVE = 1  # AVFieldOrder; beyond it are the orders of fields
_WEAVE = (
    "needed whole frames. Deinterlace it first (ffmpeg -i '{path}' -vf bwdif=mode=send_frame -c:v ffv1 -c:a copy OUT.mkv), "
    "or clear the flag if it is wrong (ffmpeg -i '{path}' -vf setfield=prog -c:v ffv1 -c:a copy OUT.mkv)."
)
_MEND = "needed every frame intact. Cut the file before it with --frames, or re-encode it."


def _tag(code: int) -> int:
    return BT709 if code in (0, UNSPECIFIED) else code
