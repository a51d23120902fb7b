"""A run on disk: what was asked for, the pieces that are done, the frames that are final. Killed at any moment, it goes on.

    run.json               what was asked for, and the pieces
    pieces/NAME.json       figures of a piece that is done
    pieces/NAME.safetensors   its frames, until all of them are final
    pieces/NAME.state      what a piece that is not done would go on from
    frames/00000.png       final frames, 16 bits unless the output has 8

Every file appears under its name when it is whole and not before.
"""

import hashlib
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
from oneseed.pieces import Piece, blend
from oneseed.shapes import Frames
from oneseed.state_file import StateFile

FORMAT = 1


class Work:
    """The folder of one run.

    Args:
        folder: made if it is not there.
        asked: all that the result depends on, as JSON has it. Another run's folder is refused.
        pieces: what is to be done.
        shape: (N, C, H, W) of the restored clip.
        bits: 8 or 16, of the final frames.

    Raises:
        RequestError: the folder holds another run, or something else, or another process works in it.
        RunError: it cannot be written to.
    """

    def __init__(
        self, folder: Path, asked: dict[str, Any], pieces: Sequence[Piece], shape: tuple[int, int, int, int], bits: int
    ):
        self.folder, self.pieces, self.shape, self.bits = folder, list(pieces), shape, bits
        content = json.loads(
            json.dumps({"format": FORMAT, "asked": asked, "pieces": {piece.name: piece.box for piece in pieces}})
        )
        with said(folder):
            self.resumed = _same(folder, content)
            for part in ("pieces", "frames"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            self._lock = locked(folder)
            if not self.resumed:
                put(folder / "run.json", (json.dumps(content, indent=1) + "\n").encode())

    def done(self, piece: Piece) -> bool:
        """Whether the piece need not be restored (again)."""
        if not self._figures(piece).is_file():
            return False
        return self._frames_of(piece) is not None or all(map(self.is_final, self._blended_from(piece)))

    def keep(self, piece: Piece, frames: Frames, figures: dict[str, Any]) -> None:
        """What became of a piece, and the frames that are final by it.

        Raises:
            RunError: the disk is full, say. What was there before still is.
        """
        from safetensors.torch import save

        values = frames.detach().float().cpu().clamp(0, 1).contiguous()
        with said(self.folder):
            put(self._tensors(piece), save({"frames": values}, {"sha256": _sum(values)}))
            put(self._figures(piece), (json.dumps(figures) + "\n").encode())
            self.journal(piece).path.unlink(missing_ok=True)
        self.settle()

    def journal(self, piece: Piece) -> StateFile:
        """Where the piece that is being restored keeps what it would go on from."""
        return StateFile(self.folder / "pieces" / f"{piece.name}.state")

    def settle(self) -> None:
        """Write the frames that have become final, and drop the pieces that no frame waits for."""
        held: dict[str, Frames] = {}
        for piece in self.pieces:
            if not self._tensors(piece).is_file():
                continue
            for frame in self._blended_from(piece):
                if not self.is_final(frame):
                    self._make_final(frame, held)
            if all(map(self.is_final, self._blended_from(piece))):
                held.pop(piece.name, None)
                self._tensors(piece).unlink()

    def is_final(self, frame: int) -> bool:
        return self._frame(frame).is_file()

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
        return [json.loads(path.read_bytes()) for path in map(self._figures, self.pieces) if path.is_file()]

    def __enter__(self) -> "Work":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others work in the folder. One in which nothing was done is deleted."""
        if kind is not None and not self.resumed and not self.figures():
            self.remove()
        self._lock.close()

    def remove(self) -> None:
        """Delete what we put into the folder, and the folder if nothing else is there."""
        for part in ("pieces", "frames"):
            shutil.rmtree(self.folder / part, ignore_errors=True)
        for name in ("run.json", "lock"):
            (self.folder / name).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _make_final(self, frame: int, held: dict[str, Frames]) -> None:
        """Blend one frame if all the pieces that show it are there."""
        shown = [piece for piece in self.pieces if piece.counts(frame)]
        for piece in shown:
            if piece.name not in held:
                frames = self._frames_of(piece)
                if frames is None:
                    return
                held[piece.name] = frames
        made = [held[piece.name][frame - piece.box.first] for piece in shown]
        with said(self.folder):
            put(self._frame(frame), png(blend(shown, self.shape, frame, made), self.bits))

    def _blended_from(self, piece: Piece) -> list[int]:
        return [frame for frame in range(*piece.box[:2]) if piece.counts(frame)]

    def _frames_of(self, piece: Piece) -> Frames | None:
        """What was kept of a piece; None if it is not there, or damaged and so to be made again."""
        from safetensors import SafetensorError, safe_open

        if not (self._figures(piece).is_file() and self._tensors(piece).is_file()):
            return None
        try:
            with safe_open(str(self._tensors(piece)), "pt") as file:
                frames: Tensor = file.get_tensor("frames")
                known = file.metadata()["sha256"]
        except (SafetensorError, OSError, KeyError, TypeError):
            return None
        return frames if known == _sum(frames) else None

    def _figures(self, piece: Piece) -> Path:
        return self.folder / "pieces" / f"{piece.name}.json"

    def _tensors(self, piece: Piece) -> Path:
        return self.folder / "pieces" / f"{piece.name}.safetensors"

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
        if [name for name in strangers if name not in ("lock", "pieces", "frames", ".run.json.part")]:
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


def _difference(before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        names = [name for name in now if before.get(name) != now[name]]
        return "; ".join(f"{name}: {before.get(name)}, now {now[name]}" for name in names)
    return f"{before}, now {now}"


def _sum(frames: Tensor) -> str:
    return hashlib.sha256(frames.contiguous().numpy().tobytes()).hexdigest()
