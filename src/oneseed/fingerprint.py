"""Files and degradations told apart by a few characters."""

import hashlib
from pathlib import Path

from oneseed.degrade.base import Degradation


def fingerprint(source: Path) -> str:
    """Of a file its length and a hash of its beginning, middle and end; of a folder those of its files."""
    told = hashlib.sha256()
    for file in sorted(source.iterdir()) if source.is_dir() else [source]:
        if not file.is_file():
            continue
        length = file.stat().st_size
        told.update(f"{file.name} {length} ".encode())
        with file.open("rb") as opened:
            for place in sorted({0, max(length // 2 - _LOOK // 2, 0), max(length - _LOOK, 0)}):
                opened.seek(place)
                told.update(opened.read(_LOOK))
    return told.hexdigest()[:16]


_LOOK = 2**20


def last_changed(which: str | None) -> int:
    """When a file, or the last of a folder's, was changed, in nanoseconds; 0 for what is none."""
    path = Path(which or "").expanduser()
    if not which or not path.exists():
        return 0
    return max(file.stat().st_mtime_ns for file in [path, *path.rglob("*")])


def drawn(degrade: Degradation) -> str:
    """A hash of the masks and kernels that are there already, or of their files; what is drawn from a seed is not."""
    told = hashlib.sha256()
    for part in degrade.parts():
        path = Path(str(part.arguments.get("path") or ""))
        if part.arguments.get("path") and path.exists():  # not read whole: there may be as many images as frames
            told.update(fingerprint(path).encode())
            continue
        try:
            arrays = part.arrays()
        except RuntimeError:  # a mask that has met no frames yet
            continue
        for name, array in arrays.items():
            told.update(name.encode() + array.detach().cpu().contiguous().numpy().tobytes())
    return told.hexdigest()[:16]
