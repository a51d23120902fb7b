"""A clip to a file or a folder, which appears under its name when it is complete and not before."""

from pathlib import Path

from oneseed.clip import images
from oneseed.clip.clip import Clip, Written
from oneseed.clip.encode import encode
from oneseed.clip.gif import encode_gif
from oneseed.clip.output import check_output, in_place_of
from oneseed.clip.sound import dropped


def write(
    path: str | Path, clip: Clip, *, bits: int | None = None, lossless: bool = False, overwrite: bool = False
) -> Written:
    """Write the clip as its ending says; the same clip gives the same bytes.

    .mp4 .mov .mkv are H.264, .webm VP9, .avi Motion JPEG, all 8 bits and with the sound of `clip.source`; .mkv with
    `lossless` is FFV1, exact in 8 or 16 bits; .gif has no sound; no ending is a folder of 00000.png onwards. Time
    stamps are exact in .mp4, .mov and .avi, to 1 ms in .mkv and .webm, to 10 ms in .gif; all but .webm and .gif keep
    pixels that are not square.

    Args:
        bits: per colour, 8 or 16; the depth of the source unless given, where the ending has the choice.

    Raises:
        RequestError: see `check_output`; nothing has been written then.
    """
    path = Path(path)
    check_output(path, overwrite, lossless, bits, clip)
    depth = bits or clip.bits
    with in_place_of(path) as part:
        if not path.suffix:
            part.mkdir()
            images.save(part, clip, depth)
            codec, sound = f"png, {depth} bits", dropped(clip, "a folder holds no sound")
        elif path.suffix.lower() == ".gif":
            codec, sound = encode_gif(part, clip), dropped(clip, "a gif holds no sound")
        else:
            codec, sound = encode(part, clip, depth if lossless else None)
    return Written(path, codec, sound)
