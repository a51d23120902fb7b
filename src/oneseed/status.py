"""Where a run stands, from its folder alone: read at any time, from any machine that sees it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from oneseed.disk import is_locked
from oneseed.errors import RequestError
from oneseed.notes import notes
from oneseed.pieces import file_of


@dataclass(frozen=True, kw_only=True)
class Status:
    """What `oneseed status` shows; `as_dict` is what `--json` writes."""

    source: str
    degradation: Sequence[str]
    frames: int
    size: tuple[int, int]
    """Width and height, of the restored frames."""
    final: int
    """Frames that are final."""
    pieces: int
    done: int
    seconds: float
    """Spent on pieces that are done."""
    at_work: Sequence[Mapping[str, Any]]
    """What was last said of each piece in work."""
    running: bool
    """Whether a process on this machine leads the run now."""

    @property
    def seconds_left(self) -> float | None:
        """As long as pieces took so far, and as many at once as now; None before one is done."""
        if not self.done:
            return None
        each = self.seconds / self.done
        begun = sum(min(note["seconds"] / each, _MOST) for note in self.at_work)
        return each * max(self.pieces - self.done - begun, 0) / max(len(self.at_work), 1)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"size": list(self.size), "seconds_left": self.seconds_left}


_MOST = 0.95
"""Of a piece that is not done."""


def read_status(folder: Path) -> Status:
    """The status of the run in `folder`.

    Raises:
        RequestError: there is none.
    """
    record = folder / "run.json"
    if not record.is_file():
        raise RequestError(
            f"{folder} holds no run; needed is a folder like OUTPUT.oneseed. Name one that holds run.json."
        )
    try:
        content = json.loads(record.read_bytes())
        asked, names, shape = content["asked"], content["pieces"], content["shape"]
        files = [file_of(folder, name, "json") for name in names]
        figures = [json.loads(path.read_bytes()) for path in files if path.is_file()]
        return Status(
            source=asked["input"]["path"],
            degradation=asked["degradation"]["specs"],
            frames=shape[0],
            size=(shape[3], shape[2]),
            final=sum(1 for _ in (folder / "frames").glob("[0-9]*.png")),
            pieces=len(names),
            done=len(figures),
            seconds=sum(piece["seconds"] for piece in figures),
            at_work=notes(folder),
            running=is_locked(folder),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{record} is damaged ({error}); needed is the record of a run. Start anew.") from error


def lines(status: Status, folder: Path) -> list[str]:
    """What a person wants to know."""
    width, height = status.size
    told = [
        f"{folder}: {status.source}, {status.frames} frames of {width}x{height}, {', '.join(status.degradation)}",
        f"{status.done} of {status.pieces} pieces done, {status.final} frames final",
    ]
    at = "" if status.running else "was at "
    for note in status.at_work:
        where = f"{note['phase']}, epoch {note['number']}, {clock(note['seconds'])} on {note['host']}"
        told.append(f"  {at}{note['piece']}: {where}")
    if status.done == status.pieces:
        told.append("done; the same command writes the output")
    elif not status.running:
        told.append("no process of this machine is at it; the same command goes on")
    left = status.seconds_left
    if left is not None and status.done < status.pieces:
        told.append(f"about {clock(left)} left")
    return told


def clock(seconds: float) -> str:
    """H:MM:SS."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
