"""Many clips, one after the other: what fails does not stop the rest, and what is done is not done again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oneseed.clip.containers import CONTAINERS
from oneseed.clip.images import is_frame
from oneseed.clip.output import require_other
from oneseed.errors import DivergedError, InterruptedRunError, RequestError, RunError
from oneseed.restored import Restored
from oneseed.task import Task

VIDEOS = (
    *CONTAINERS, ".m4v", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".mxf", ".gif", ".3gp", ".ogv", ".vob", ".dv",
    ".y4m",
)  # fmt: skip
LIST = ".txt"
OURS = (".degradation", ".oneseed")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one clip."""

    source: Path
    target: Path
    restored: Restored | None = None
    """None where it was there already, or failed."""
    error: str | None = None

    @property
    def skipped(self) -> bool:
        """It was there already."""
        return self.restored is None and self.error is None

    def as_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "input": str(self.source), "output": str(self.target), "error": self.error, "skipped": self.skipped,
        }  # fmt: skip
        return told | (self.restored.as_dict() if self.restored else {})

    def __str__(self) -> str:
        if self.error:
            return f"{self.target}: failed; {self.error}"
        if self.skipped:
            return f"{self.target}: was there already"
        return str(self.restored)


def clips_of(source: Path) -> list[Path] | None:
    """The clips that INPUT means, in order: those that a .txt names line by line, or the videos and folders of images in a
    folder. None: it is one clip itself.

    Raises:
        RequestError: a list that names nothing, or what is not there; a folder of both images and videos.
    """
    if source.suffix.lower() == LIST and source.is_file():
        return _listed(source)
    if not source.is_dir():
        return None
    within = sorted(item for item in source.iterdir() if not item.name.startswith("."))
    videos = [item for item in within if item.is_file() and item.suffix.lower() in VIDEOS]
    images = [item for item in within if item.is_file() and is_frame(item)]
    if images and videos:
        raise RequestError(
            f"{source} holds images ({images[0].name}) and videos ({videos[0].name}); needed is one clip, or clips. "
            "Name the clips in a .txt, one in a line."
        )
    folders = [item for item in within if item.is_dir() and not item.name.endswith(OURS) and _is_clip(item)]
    return None if images or not (videos or folders) else sorted(videos + folders)


def passed_over(source: Path, clips: Sequence[Path]) -> list[str]:
    """What else lies in a folder of clips, but for what oneseed put there."""
    if not source.is_dir():
        return []
    others = [item for item in source.iterdir() if item not in clips and not item.name.startswith(".")]
    return sorted(item.name for item in others if not item.name.endswith((*OURS, ".degradation.json")))


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many of each, in one line."""
    failed, skipped = (
        sum(map(bool, flags)) for flags in zip(*((one.error, one.skipped) for one in outcomes), strict=True)
    )
    there = f"{skipped} there already, " if skipped else ""
    return f"{len(outcomes)} clips: {len(outcomes) - failed - skipped} restored, {there}{failed} failed"


def targets_of(sources: Sequence[Path], folder: Path, lossless: bool) -> list[Path]:
    """Where each goes: under its own name, as .mkv where its ending cannot be written, or all that is written is lossless."""
    targets: list[Path] = []
    for source in sources:
        ending = "" if source.is_dir() else source.suffix.lower()
        if ending and (lossless or ending not in CONTAINERS):
            ending = ".mkv"
        target = folder / f"{source.name if source.is_dir() else source.stem}{ending}"
        if target in targets and source.suffix.lower() != ending:
            target = folder / f"{source.name}{ending}"
        targets.append(target)
    doubled = {target for target in targets if targets.count(target) > 1}
    if doubled:
        raise RequestError(f"two clips are called {min(doubled).name}; needed are different names. Rename one.")
    return targets


def make_folder(folder: Path, source: Path) -> None:
    """For the outputs, if it is not there; never the input itself.

    Raises:
        RequestError: it cannot be made.
    """
    require_other(source, folder)
    if folder.suffix.lower() in VIDEOS:
        raise RequestError(f"{folder} for many clips; needed is a folder for the outputs. Leave the ending out.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"{folder} is no folder and cannot be made ({error.strerror}); needed is one for the outputs. Name another."
        ) from error


def restore_many(
    task: Task,
    sources: Sequence[Path],
    targets: Sequence[Path],
    restore: Callable[[Task, Path], Restored],
    say: Callable[[Outcome], None],
    again: bool = False,
) -> list[Outcome]:
    """Each of `sources` into its target.

    Args:
        task: what is to be done with each, but for its source.
        restore: does it with one.
        say: told what became of each.
        again: what is there is restored again.

    Raises:
        InterruptedRunError: the user asked to end.
    """
    outcomes: list[Outcome] = []
    for source, target in zip(sources, targets, strict=True):
        restored, error = None, None
        if again or not target.exists():
            try:
                restored = restore(replace(task, source=source), target)
                error = restored.diverged
            except InterruptedRunError:
                raise
            except (RequestError, DivergedError, RunError) as failure:
                error = str(failure)
        outcomes.append(Outcome(source=source, target=target, restored=restored, error=error))
        say(outcomes[-1])
        if restored is not None and restored.interrupted:
            raise InterruptedRunError(
                f"interrupted; {len(outcomes)} of {len(sources)} clips are done, the last as far as it was."
            )
    return outcomes


def _is_clip(folder: Path) -> bool:
    """Whether it holds frames, and no video beside them."""
    within = list(folder.iterdir())
    return any(map(is_frame, within)) and not any(item.suffix.lower() in VIDEOS for item in within)


def _listed(source: Path) -> list[Path]:
    clips = [
        source.parent / line.strip()
        for line in source.read_text(encoding="utf-8-sig").splitlines()
        if line.strip() and line[0] != "#"
    ]
    missing = [clip for clip in clips if not clip.exists()]
    if not clips or missing:
        found = f"names {missing[0]}, which does not exist" if missing else "names nothing"
        raise RequestError(f"{source} {found}; needed are clips, one in a line. Mend it.")
    return clips
