"""What each ending means: the encoder for the picture and its settings, and what is done with sound."""

from dataclasses import dataclass

import av

from oneseed.clip.colour import BT601_625, BT709, RGB
from oneseed.errors import RequestError


@dataclass(frozen=True)
class Coding:
    """FFmpeg's names; `matrix` is a number of ISO/IEC 23091-2; `even` says that the coded frame needs even sides.

    Sound in one of the codecs `copied` stays as it is, other sound is encoded by `sound`.
    """

    encoder: str
    pixel_format: str
    copied: tuple[str, ...]
    sound: str
    matrix: int = BT709
    even: bool = False
    options: tuple[tuple[str, str], ...] = ()


def _h264(copied: tuple[str, ...], sound: str) -> Coding:
    return Coding("libx264", "yuv420p", copied, sound, even=True, options=_X264)


# No B-frames: each packet then lasts as long as its frame, and a variable rate survives. No macroblock tree: with AVX-512
# that of x264 165 varies from run to run.
_X264 = (("crf", "16"), ("preset", "medium"), ("bf", "0"), ("mbtree", "0"))

_PCM = ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le")
_COMMON = ("aac", "mp3", "ac3", "eac3", "alac")  # what players take in .mp4 and .mov
_FREE = ("opus", "vorbis")
_MATROSKA = (*_COMMON, *_FREE, *_PCM, "mp2", "flac", "dts", "truehd")
_VP9 = (("crf", "20"), ("b", "0"), ("deadline", "good"), ("cpu-used", "2"))

LOSSY = {
    ".mp4": _h264((*_COMMON, "opus"), "aac"),
    ".mov": _h264((*_COMMON, *_PCM), "aac"),
    ".mkv": _h264(_MATROSKA, "libopus"),
    ".webm": Coding("libvpx-vp9", "yuv420p", _FREE, "libopus", options=_VP9),
    ".avi": Coding(  # has no time stamps for sound, so that only samples can be put where they belong
        "mjpeg", "yuvj420p", (), "pcm_s16le", BT601_625, options=(("qmin", "2"), ("qmax", "2"))
    ),
}
LOSSLESS = {
    8: Coding("ffv1", "bgr0", _MATROSKA, "libopus", RGB, options=(("level", "3"),)),
    16: Coding("ffv1", "gbrp16le", _MATROSKA, "libopus", RGB, options=(("level", "3"),)),
}
GIF = ".gif"
ENDINGS = (*LOSSY, GIF)


def coding_of(ending: str, lossless_bits: int | None) -> Coding:
    """The coding of an ending other than .gif, or of a lossless .mkv of 8 or 16 bits.

    Raises:
        RequestError: the FFmpeg inside PyAV was built without an encoder that it takes.
    """
    coding = LOSSLESS[lossless_bits] if lossless_bits else LOSSY[ending]
    for encoder in (coding.encoder, coding.sound):
        if encoder not in av.codecs_available:
            raise RequestError(f"no {encoder} in this FFmpeg; needed for {ending}. pip install --force-reinstall av.")
    return coding
