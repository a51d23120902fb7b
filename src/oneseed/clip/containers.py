"""What a file can hold beside the picture, by its ending."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Container:
    """FFmpeg's names. Sound in one of the codecs `copied` stays as it is, other sound is encoded by `sound`.

    Which subtitles it can hold is FFmpeg's to say: those are copied, whatever else there is is left out.
    """

    format: str
    copied: tuple[str, ...]
    sound: str
    chapters: bool = True
    attachments: bool = False
    covers: bool = False
    """Pictures of the whole film; where there are attachments, they are one."""


_PCM = ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le")
_COMMON = ("aac", "mp3", "ac3", "eac3", "alac")  # what players take in .mp4 and .mov
_FREE = ("opus", "vorbis")
_MATROSKA = (*_COMMON, *_FREE, *_PCM, "mp2", "flac", "dts", "truehd")

CONTAINERS = {
    ".mp4": Container("mp4", (*_COMMON, "opus"), "aac", covers=True),
    ".mov": Container("mov", (*_COMMON, *_PCM), "aac"),
    ".mkv": Container("matroska", _MATROSKA, "libopus", attachments=True),
    ".webm": Container("webm", _FREE, "libopus"),
    # has no time stamps for sound, so that only samples can be put where they belong
    ".avi": Container("avi", (), "pcm_s16le", chapters=False),
}
GIF = ".gif"
ENDINGS = (*CONTAINERS, GIF)
