"""What is asked for and what FFmpeg offers, brought together: the encoder, its settings, and what holds the result."""

import io
import os
from dataclasses import dataclass

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

from oneseed.clip.coded import WRITABLE, is_clear, is_rgb, is_subsampled
from oneseed.clip.colour import BT601_625, RGB, UNSPECIFIED
from oneseed.clip.containers import CONTAINERS, Container
from oneseed.clip.encoders import DEFAULTS, ENCODERS, Encoder
from oneseed.clip.encoding import Encoding
from oneseed.clip.light import Light
from oneseed.errors import RequestError
from oneseed.registry import did_you_mean


@dataclass(frozen=True)
class Coding:
    """FFmpeg's names."""

    codec: str
    pixel_format: str
    options: tuple[tuple[str, str], ...]
    container: Container
    encoder: Encoder

    @property
    def alpha(self) -> bool:
        """It holds alpha."""
        return is_clear(self.pixel_format)

    @property
    def even(self) -> bool:
        """The coded frame needs even sides."""
        return self.encoder.even and is_subsampled(self.pixel_format)

    @property
    def tag(self) -> str | None:
        """The four letters that FFmpeg would not choose by itself."""
        in_mp4 = self.container.format in ("mp4", "mov")
        return "hvc1" if in_mp4 and av.Codec(self.codec, "w").canonical_name == "hevc" else None

    def settings(self, light: Light | None = None) -> dict[str, str]:
        """All that the encoder is told, with the light of HDR where it takes that."""
        option = self.encoder.params_option
        params = (*self.encoder.params, *(light.params(option) if light else ()))
        return dict(self.options) | ({option: ":".join(params)} if option and params else {})

    def colours(self, matrix: int, full: bool) -> tuple[int, bool]:
        """Matrix and range that are written for those of the source: RGB has none, JPEG its own, ProRes one range."""
        if is_rgb(self.pixel_format):
            return RGB, True
        if self.pixel_format.startswith("yuvj"):
            return BT601_625, True
        if self.pixel_format.startswith("gray"):
            return UNSPECIFIED, True
        return matrix, full and not self.codec.startswith("prores")


def coding_of(ending: str, bits: int = 8, alpha: bool = False, encoding: Encoding = Encoding()) -> Coding:  # noqa: B008
    """The coding of an ending other than .gif, for a clip of 8 or 16 bits.

    Raises:
        RequestError: this FFmpeg, the encoder or the container cannot do what was asked for.
    """
    container = CONTAINERS[ending]
    codec = encoding.codec or ("ffv1" if encoding.lossless else DEFAULTS[ending][bits > 8])
    if "av1" in codec:
        os.environ.setdefault("SVT_LOG", "1")  # errors alone; it prints to the terminal by itself
    _require(codec, container.sound, ending, named=encoding.codec is not None)
    encoder = ENCODERS.get(codec, Encoder())
    return Coding(
        codec, _pixel_format(codec, encoder.wanted(bits, alpha), encoding.pixel_format),
        (*_crf(codec, encoder, encoding.crf), *encoder.options), container, encoder,
    )  # fmt: skip


def grey_coding(bits: int) -> Coding:
    """Of alpha beside an output: FFV1, grey, 8 or 16 bits."""
    return Coding("ffv1", "gray" if bits == 8 else "gray16le", (("level", "3"),), CONTAINERS[".mkv"], ENCODERS["ffv1"])


def rehearse(coding: Coding, ending: str, width: int, height: int) -> None:
    """Begin a file of this kind, in memory and of no consequence.

    Raises:
        RequestError: the container cannot hold the codec, or the encoder cannot be opened.
    """
    what = f"{coding.codec} in {ending}"
    sides = [side + coding.even * (side % 2) for side in (width, height)]
    try:
        with av.open(io.BytesIO(), "w", format=coding.container.format) as out:
            stream = out.add_stream(coding.codec, rate=25, options=coding.settings())
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = *sides, coding.pixel_format
            stream.codec_context.thread_count = 1
            if coding.tag:
                stream.codec_context.codec_tag = coding.tag
            out.start_encoding()
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(
            f"{what} at {sides[0]}x{sides[1]} cannot be written here ({reason.splitlines()[0]}); needed an encoder that "
            "opens and a container that holds it. Choose another --codec, --pix-fmt or ending."
        ) from error


def _require(codec: str, sound: str, ending: str, named: bool) -> None:
    if named and _encodes(codec) != "video":
        near = did_you_mean(codec, [name for name in sorted(av.codecs_available) if _encodes(name) == "video"])
        raise RequestError(
            f"no encoder of pictures called {codec!r} in this FFmpeg.{near} "
            "Needed one like libx264, libx265, libsvtav1, prores_ks, ffv1."
        )
    for name in (codec, sound):
        if not _encodes(name):
            raise RequestError(f"no {name} in this FFmpeg; needed for {ending}. pip install --force-reinstall av.")


def _encodes(name: str) -> str | None:
    """What an encoder of this name takes: "video", "audio", ...; None if there is none."""
    try:
        return av.Codec(name, "w").type if name in av.codecs_available else None
    except ValueError:
        return None


def _pixel_format(codec: str, wanted: list[str], asked: str | None) -> str:
    held = [layout.name for layout in av.Codec(codec, "w").video_formats or ()]
    known = [name for name in held if WRITABLE.fullmatch(name)]
    if asked is not None:
        if asked not in known:
            raise RequestError(
                f"--pix-fmt {asked} for {codec}.{did_you_mean(asked, known)} Needed one of {' '.join(known) or 'none'}."
            )
        return asked
    found = [name for name in (*wanted, *known) if name in known]
    if not found:
        raise RequestError(
            f"{codec} takes {' '.join(held[:4]) or 'no pixel format'}; needed planar YUV or RGB. Choose another --codec."
        )
    return found[0]


def _crf(codec: str, encoder: Encoder, asked: int | None) -> tuple[tuple[str, str], ...]:
    if encoder.crf is None:
        if asked is not None:
            having = " ".join(name for name, one in ENCODERS.items() if one.crf)
            raise RequestError(f"--crf {asked} for {codec}; needed one of {having}. Leave it out, or add --codec.")
        return ()
    usual, highest = encoder.crf
    if asked is not None and not 0 <= asked <= highest:
        raise RequestError(f"--crf {asked} for {codec}; needed 0, the best, to {highest}. Try --crf {usual}.")
    return (("crf", str(usual if asked is None else asked)),)
