"""A clip to a file or a folder, which appears under its name when it is complete and not before."""

from contextlib import nullcontext
from pathlib import Path

from oneseed.clip import images
from oneseed.clip.alpha import alpha_beside, as_grey, fitted
from oneseed.clip.cargo import left_out
from oneseed.clip.clip import Clip, Written
from oneseed.clip.coding import coding_of, grey_coding
from oneseed.clip.containers import GIF
from oneseed.clip.encode import encode
from oneseed.clip.encoding import Encoding
from oneseed.clip.gif import encode_gif
from oneseed.clip.output import check_output, holds_alpha, in_place_of


def write(
    path: str | Path,
    clip: Clip,
    *,
    bits: int | None = None,
    encoding: Encoding = Encoding(),  # noqa: B008
    overwrite: bool = False,
) -> Written:
    """Write the clip as its ending says, with all that `clip.source` holds beside the picture; docs/files.md has the table.

    No ending is a folder of 00000.png onwards, .gif has no sound, and `encoding` may choose what else the ending leaves
    open. The same clip gives the same bytes. Time stamps are exact in .mp4, .mov and .avi, to 1 ms in .mkv and .webm, to
    10 ms in .gif; all but .webm and .gif keep pixels that are not square. Alpha that the file cannot hold is written
    beside it, to `alpha_beside(path)`.

    Args:
        bits: per colour, 8 or 16; the depth of the source unless given, where the ending has the choice.

    Raises:
        RequestError: see `check_output`; nothing has been written then.
    """
    path = Path(path)
    check_output(path, overwrite, encoding, bits, clip)
    depth, clip, ending = bits or clip.bits, fitted(clip), path.suffix.lower()
    inside = clip.alpha is None or holds_alpha(path, depth, encoding)
    with (
        in_place_of(path) as part,
        nullcontext(None) if inside else in_place_of(alpha_beside(path)) as matte,
    ):
        if not ending:
            part.mkdir()
            images.save(part, clip, depth)
            codec, (sound, rest) = f"png, {depth} bits", left_out(clip, "a folder")
        elif ending == GIF:
            codec, (sound, rest) = encode_gif(part, clip), left_out(clip, "a gif")
        else:
            coding = coding_of(ending, depth, clip.alpha is not None, encoding)
            codec, (sound, rest) = coding.codec, encode(part, clip, coding)
        if matte is not None:
            encode(matte, as_grey(clip), grey_coding(depth))
    if clip.alpha is not None:
        rest = [*rest, "alpha: kept" if inside else f"alpha: in {alpha_beside(path).name}"]
    return Written(path, codec, sound, tuple(rest))
