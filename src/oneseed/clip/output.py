"""Where a clip may be written, and as what: every refusal that can be made before the long run."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oneseed.clip.alpha import alpha_beside
from oneseed.clip.clip import Clip
from oneseed.clip.coding import coding_of, rehearse
from oneseed.clip.containers import ENDINGS, GIF
from oneseed.clip.encoding import Encoding
from oneseed.clip.timing import counts
from oneseed.errors import RequestError

_OURS = re.compile(r"\d{5,}\.png|degradation\.json|degradation(/.*)?")  # frames, and the sidecar with its images


def check_output(
    path: str | Path,
    overwrite: bool = False,
    encoding: Encoding = Encoding(),  # noqa: B008
    bits: int | None = None,
    clip: Clip | None = None,
) -> None:
    """Refuse now what `write` would refuse later; with the clip in hand, also what only it can tell.

    Raises:
        RequestError: an unknown ending, an encoding or 16 bits where they cannot be had, a parent folder that is missing
            or not writable, something there already without `overwrite`, or with it something that is not ours to
            delete.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending and ending not in ENDINGS:
        raise RequestError(f"{path} ends in {ending}; needed {' '.join(ENDINGS)}, or none for a folder. Rename it.")
    if encoding.lossless and ending != ".mkv":
        raise RequestError(
            f"lossless for {path}; needed .mkv, a folder is lossless anyway. Rename it, or leave it out."
        )
    if bits not in (None, 8, 16):
        raise RequestError(f"{bits} bits; needed 8 or 16. Choose one.")
    if bits == 16 and ending and not encoding.lossless:
        raise RequestError(f"16 bits for {path}; needed a lossless .mkv or a folder. Rename it, or use 8 bits.")
    if ending == ".avi" and clip is not None and not counts(clip.times, clip.rate):
        raise RequestError(f"{path} for frames at a variable rate; needed a steady one in .avi. Use .mp4 or .mkv.")
    depth = bits or (clip.bits if clip else 8)
    _check_encoding(path, ending, depth, encoding, clip)
    check_place(path, overwrite, folder=not ending)
    if clip is not None and clip.alpha is not None and not holds_alpha(path, depth, encoding):
        check_place(alpha_beside(path), overwrite, folder=False)


def holds_alpha(path: Path, bits: int, encoding: Encoding) -> bool:
    """The file at `path` will hold the alpha of a clip of 8 or 16 bits."""
    ending = path.suffix.lower()
    return not ending or (ending != GIF and coding_of(ending, bits, True, encoding).alpha)


def _check_encoding(path: Path, ending: str, bits: int, encoding: Encoding, clip: Clip | None) -> None:
    if not ending or ending == GIF:
        if encoding.options:
            found = f"{encoding.options[0]} for {path}"
            raise RequestError(f"{found}; needed .mp4, .mov, .mkv, .webm or .avi. Leave it out, or rename the output.")
        return
    coding = coding_of(ending, bits, clip is not None and clip.alpha is not None, encoding)
    if encoding.options:
        height, width = clip.frames.shape[2:] if clip else (0, 0)
        rehearse(coding, ending, max(width, _USUAL), max(height, _USUAL))


_USUAL = 256  # pixels per side that every encoder takes


def check_place(path: Path, overwrite: bool, folder: bool) -> None:
    """Refuse a place that cannot be written to, or that is taken.

    Raises:
        RequestError: the same as those of `check_output` about places.
    """
    parent = path.absolute().parent
    if not parent.is_dir():
        raise RequestError(f"{parent} is not a folder; needed one to write {path.name} into. Make it first.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise RequestError(f"{parent} cannot be written to; needed the right to. Choose another place.")
    if not os.path.lexists(path):
        return
    if path.is_dir() != folder:
        found, needed = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
        raise RequestError(f"{path} is {found}; needed {needed} by its ending or none. Choose another name.")
    if not overwrite:
        raise RequestError(f"{path} exists; needed a free name. Choose another, or add --overwrite.")
    held = sorted(item.relative_to(path).as_posix() for item in path.rglob("*")) if folder else []
    strangers = [name for name in held if not _OURS.fullmatch(name)]
    if strangers:
        raise RequestError(f"{path} holds {strangers[0]}; needed frames 00000.png onwards and nothing else. Move it.")


def require_other(source: Path, target: Path) -> None:
    """Refuse to write over what is read.

    Raises:
        RequestError: both are one.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise RequestError(f"{target} is the input; needed another place for the output. Choose another name.")


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, which takes its place when all is written, and is deleted when not."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    old = part.with_suffix(".old")
    try:
        yield part
        if path.is_dir():
            path.rename(old)
        try:
            part.replace(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
    finally:
        for left in (part, old):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
