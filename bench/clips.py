"""Clips of the usual data sets, found in the folders that their archives make. Nothing is downloaded.

| data set | a clip is | of |
| --- | --- | --- |
| DAVIS 2016, 2017, 2019 | `JPEGImages/480p/CLIP/` (or `Full-Resolution`, `1080p`) | `ImageSets/*/val.txt` where it is there |
| REDS | `val_sharp/000/`, else `train_sharp/000/`, also inside `val/` or `train/` | all |
| SPMCS | `CLIP/truth/` | all |
| UDM10 | `GT/CLIP/` | all |
| any other folder | each folder of pictures and each video file in it | all |
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"}
VIDEOS = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".gif"}
SEEN_IN_TUNING = {"camel", "dog", "parkour", "scooter-black"}
"""Clips of DAVIS by which settings were chosen; tables keep them apart from all others."""


@dataclass(frozen=True)
class Source:
    name: str
    path: Path
    dataset: str


def clips(folder: Path) -> list[Source]:
    """The clips below a folder, by the layout that it has.

    Raises:
        ValueError: no folder, or no clips in it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; needed is one with clips. Name it.")
    for layout in (_davis, _reds, _spmcs, _udm10, _any):
        found = sorted(layout(folder), key=lambda one: one.name)
        if found:
            return found
    raise ValueError(
        f"{folder} holds no clips; needed are folders of pictures, video files, or DAVIS, REDS, SPMCS or UDM10 as "
        "unpacked. Name another."
    )


def choose(sources: list[Source], names: str) -> list[Source]:
    """Those named, separated by blanks, in that order; all where no name is given.

    Raises:
        ValueError: a name that is not there.
    """
    known = {source.name: source for source in sources}
    missing = [name for name in names.split() if name not in known]
    if missing:
        raise ValueError(f"no clip {missing[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in names.split()] or sources


def _davis(folder: Path) -> Iterator[Source]:
    for root in (folder, folder / "DAVIS"):
        for size in ("480p", "1080p", "Full-Resolution"):
            wanted = _listed(root / "ImageSets")
            for clip in _picture_folders(root / "JPEGImages" / size):
                if wanted is None or clip.name in wanted:
                    yield Source(clip.name, clip, "DAVIS")
            if (root / "JPEGImages" / size).is_dir():
                return


def _listed(folder: Path) -> set[str] | None:
    """Names in the validation list of the newest year; 2016 lists pairs of files instead of clips."""
    lists = sorted(folder.glob("20*/val.txt")) or sorted(folder.glob("480p/val.txt"))
    if not lists:
        return None
    lines = [line.split()[0] for line in lists[-1].read_text().splitlines() if line.strip()]
    return {Path(line).parent.name if "/" in line else line for line in lines}


def _reds(folder: Path) -> Iterator[Source]:
    for part in ("val_sharp", "val/val_sharp", "train_sharp", "train/train_sharp"):
        found = [Source(clip.name, clip, "REDS") for clip in _picture_folders(folder / part)]
        if found:
            yield from found
            return


def _spmcs(folder: Path) -> Iterator[Source]:
    for truth in folder.glob("*/truth"):
        if _has_pictures(truth):
            yield Source(truth.parent.name, truth, "SPMCS")


def _udm10(folder: Path) -> Iterator[Source]:
    for clip in _picture_folders(folder / "GT"):
        yield Source(clip.name, clip, "UDM10")


def _any(folder: Path) -> Iterator[Source]:
    for clip in _picture_folders(folder):
        yield Source(clip.name, clip, folder.name)
    for file in folder.iterdir():
        if file.suffix.lower() in VIDEOS:
            yield Source(file.stem, file, folder.name)


def _picture_folders(folder: Path) -> list[Path]:
    return [inner for inner in folder.iterdir() if _has_pictures(inner)] if folder.is_dir() else []


def _has_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(file.suffix.lower() in PICTURES for file in folder.iterdir())
