"""A run on disk: what was asked for, the pieces that are done, the frames that are final. Killed at any moment, it goes on.

run.json               what was asked for, and the pieces
pieces/                see `kept.py`
frames/00000.png       final frames, 16 bits unless the output has 8
lock                   held by the process that leads the run
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from jaxtyping import Float
from torch import Tensor

from oneseed.clip.images import load as load_image
from oneseed.clip.images import png
from oneseed.clip.reel import Reel
from oneseed.disk import locked, put, said
from oneseed.errors import RequestError, RunError
from oneseed.kept import Kept
from oneseed.pieces import Piece, blend, blended_from
from oneseed.shapes import Frames

FORMAT = 2


class Work(Kept):
    """The folder of one run, in the hands of who leads it.

    Args:
        folder: made if it is not there.
        asked: all that the result depends on, as JSON has it. Another run's folder is refused.
        pieces: what is to be done.
        shape: (N, C, H, W) of the restored clip.
        bits: 8 or 16, of the final frames.
        warm: windows begin with what the one before has learnt.

    Raises:
        RequestError: the folder holds another run, or something else, or another process works in it.
        RunError: it cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        asked: dict[str, Any],
        pieces: Sequence[Piece],
        shape: tuple[int, int, int, int],
        bits: int,
        warm: bool = False,
    ):
        super().__init__(folder, pieces, warm)
        self.shape, self.bits = shape, bits
        content = json.loads(
            json.dumps(
                {
                    "format": FORMAT, "asked": asked | {"warm": warm}, "shape": shape,
                    "pieces": {piece.name: piece.box for piece in pieces},
                }
            )
        )  # fmt: skip
        with said(folder):
            self.resumed = _same(folder, content)
            for part in ("pieces", "frames"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            self._lock = locked(folder)
            self.clear()
            if not self.resumed:
                put(folder / "run.json", (json.dumps(content, indent=1) + "\n").encode())
        self._shown: dict[int, list[Piece]] = {}
        for piece in self.pieces:
            for frame in blended_from(piece):
                self._shown.setdefault(frame, []).append(piece)
        self._final = {frame for frame in range(shape[0]) if self._frame(frame).is_file()}

    def done(self, piece: Piece) -> bool:
        """Whether what became of it is there."""
        return self.figures_of(piece) is not None and (
            all(map(self.is_final, blended_from(piece))) or self.frames_of(piece) is not None
        )

    def left(self) -> list[Piece]:
        """Pieces that must be restored, in order: some again, where the next begins with what they have learnt."""
        left: list[Piece] = []
        awaited: set[str | None] = set()
        for piece in reversed(self.pieces):
            if not self.done(piece) or (piece.name in awaited and not self.passed_on(piece)):
                left.append(piece)
                awaited |= {piece.after} if self.warm else set()
        return left[::-1]

    def keep(self, piece: Piece, frames: Frames, figures: dict[str, Any]) -> None:
        """What became of a piece, and the frames that are final by it.

        Raises:
            RunError: the disk is full, say. What was there before still is.
        """
        super().keep(piece, frames, figures)
        self.settle([piece])

    def settle(self, pieces: Sequence[Piece] | None = None) -> None:
        """Write the frames that have become final by `pieces`, or by all, and drop what nothing waits for any more."""
        held: dict[str, Frames] = {}
        for piece in self.pieces if pieces is None else pieces:
            if pieces is None and not self.tensors(piece).is_file():
                continue
            frames = blended_from(piece)
            for frame in frames:
                if not self.is_final(frame):
                    self._make_final(frame, held)
            for other in {other.name: other for frame in frames for other in self._shown[frame]}.values():
                if all(map(self.is_final, blended_from(other))):
                    held.pop(other.name, None)
                    self.tensors(other).unlink(missing_ok=True)
            if piece.after is not None:
                self.forget_passed_on(piece.after)

    def is_final(self, frame: int) -> bool:
        return frame in self._final

    def final(self) -> Reel:
        """The restored clip.

        Raises:
            RunError: it is not finished.
        """
        missing = [frame for frame in range(self.shape[0]) if not self.is_final(frame)]
        if missing:
            raise RunError(f"{self.folder} lacks frame {missing[0]}; needed is a run that has ended. Let it go on.")
        n, _, h, w = self.shape
        return _Final((n, 3, h, w), self.folder / "frames")

    def figures(self) -> list[dict[str, Any]]:
        """What was noted of each piece that is done, in their order."""
        return [figures for figures in map(self.figures_of, self.pieces) if figures is not None]

    def __enter__(self) -> "Work":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others work in the folder. One in which nothing was done is deleted."""
        if kind is not None and not self.resumed and not any((self.folder / "pieces").iterdir()):
            self.remove()
        self._lock.close()

    def remove(self) -> None:
        """Delete what we put into the folder, and the folder if nothing else is there."""
        for part in ("pieces", "frames"):
            shutil.rmtree(self.folder / part, ignore_errors=True)
        for name in ("run.json", "lock", "stop"):
            (self.folder / name).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _make_final(self, frame: int, held: dict[str, Frames]) -> None:
        """Blend one frame if all the pieces that show it are there."""
        shown = self._shown[frame]
        for piece in shown:
            if piece.name not in held:
                frames = self.frames_of(piece)
                if frames is None:
                    return
                held[piece.name] = frames
        made = [held[piece.name][frame - piece.box.first] for piece in shown]
        with said(self.folder):
            put(self._frame(frame), png(blend(shown, self.shape, frame, made), self.bits))
        self._final.add(frame)

    def _frame(self, frame: int) -> Path:
        return self.folder / "frames" / f"{frame:05}.png"


@dataclass(frozen=True)
class _Final(Reel):
    folder: Path

    def images(self, first: int, last: int) -> Iterator[Float[Tensor, "3 H W"]]:
        for number in range(first, last):
            try:
                yield load_image(self.folder / f"{number:05}.png")
            except RequestError as error:
                raise RunError(f"{error} Delete {self.folder.parent} and start anew.") from error


def _same(folder: Path, content: dict[str, Any]) -> bool:
    """Whether the folder holds this very run; False if there is none yet."""
    path = folder / "run.json"
    if not path.is_file():
        strangers = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
        if [name for name in strangers if name not in _BEFORE_THE_RECORD and not name.startswith(".run.json.")]:
            raise RequestError(
                f"{folder} holds {strangers[0]} and no run; needed is a free name. Choose another with --work."
            )
        return False
    mend = f"Delete {folder} to start anew, or choose another folder with --work."
    try:
        found = json.loads(path.read_bytes())
        asked = found["asked"]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{path} is damaged; needed is the record of a run. {mend}") from error
    if found == content:
        return True
    for name, value in content["asked"].items():
        if asked.get(name) != value:
            changed = _difference(asked.get(name), value)
            raise RequestError(f"{folder} holds a run with another {name} ({changed}); needed is the same. {mend}")
    raise RequestError(f"{folder} holds a run in other pieces; needed are the same. {mend}")


_BEFORE_THE_RECORD = ("lock", "pieces", "frames")


def _difference(before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        names = [name for name in now if before.get(name) != now[name]]
        return "; ".join(f"{name}: {before.get(name)}, now {now[name]}" for name in names)
    return f"{before}, now {now}"
