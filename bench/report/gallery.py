"""Middle frames side by side: for each clip, methods down and tasks across."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from bench.clips import SEEN_IN_TUNING
from bench.report.figures import FIGURES
from bench.report.frames import clean_file, input_file
from bench.report.grid import Kind
from bench.report.tables import kind, label
from bench.results import Run, load, value

SETTINGS = ((None, 92), (512, 88), (384, 85), (256, 85), (256, 70), (192, 70), (128, 60))
"""Longest side and quality of embedded pictures; the first that keep all of them below the limit are taken."""


@dataclass
class Line:
    label: str
    kind: Kind | None
    """None: the clean frame, or the input."""
    pictures: dict[str, Path] = field(default_factory=dict)
    """By task."""
    captions: dict[str, str] = field(default_factory=dict)


@dataclass
class Gallery:
    clip: str
    seen: bool
    tasks: list[str]
    lines: list[Line]


def galleries(
    run_files: Sequence[Path], clips: Sequence[str], tasks: Sequence[str], methods: Sequence[str]
) -> list[Gallery]:
    """Those that have pictures; of no clip named: the first not seen in tuning and the first seen."""
    there = [
        (file, run)
        for file in run_files
        if file.with_suffix(".png").exists()
        for run in load([file])
        if run["task"] in tasks and run["method"] in methods
    ]
    names = list(dict.fromkeys(run["clip"] for _, run in there))
    first = {name in SEEN_IN_TUNING: name for name in reversed(names)}
    wanted = clips or [first[seen] for seen in (False, True) if seen in first]
    found = (_gallery(there, clip, tasks, methods) for clip in wanted)
    return [one for one in found if one.tasks]


def _gallery(there: Sequence[tuple[Path, Run]], clip: str, tasks: Sequence[str], methods: Sequence[str]) -> Gallery:
    clean, given = Line("clean", None), Line("input", None)
    lines: dict[str, Line] = {}
    for file, run in there:
        name, task = run["method"], run["task"]
        if run["clip"] != clip:
            continue
        line = lines.setdefault(name, Line(label(name, kind(run)), kind(run)))
        line.pictures[task] = file.with_suffix(".png")
        psnr = value(run, "psnr")
        line.captions[task] = "" if psnr is None else f"{FIGURES['psnr'].show(psnr)} dB"
        for extra, picture in ((clean, clean_file(file)), (given, input_file(file))):
            if picture.exists():
                extra.pictures[task] = picture
    rows = [clean, given, *(lines[name] for name in sorted(lines, key=methods.index))]
    shown = [task for task in tasks if any(task in line.pictures for line in lines.values())]
    return Gallery(clip, clip in SEEN_IN_TUNING, shown, [line for line in rows if line.pictures])


def embedded(pictures: Sequence[Path], limit: int) -> dict[Path, str]:
    """Data addresses, together below `limit` bytes if shrinking as far as `SETTINGS` go is enough."""
    found: dict[Path, str] = {}
    for side, quality in SETTINGS:
        found = {picture: _webp(picture, side, quality) for picture in set(pictures)}
        if sum(len(found[picture]) for picture in pictures) <= limit:
            break
    return found


def _webp(file: Path, side: int | None, quality: int) -> str:
    with Image.open(file) as picture:
        if side is not None:
            picture.thumbnail((side, side))
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
