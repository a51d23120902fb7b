"""What is kept of the pieces of a run, in its folder: written and read by whoever restores them, on whichever machine.

    pieces/NAME.json       figures of a piece that is done
    pieces/NAME.safetensors   its frames, until all of them are final
    pieces/NAME.state      what a piece that is not done would go on from
    pieces/NAME.now        how far it is, see `notes.py`
    pieces/NAME.learnt     what the search ended with, until the next window is done that begins with it
    stop                   there, when whoever works in the folder shall leave off

Every file appears under its name when it is whole and not before.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from oneseed.disk import put, said
from oneseed.epoch import Epoch
from oneseed.notes import forget, teller
from oneseed.pieces import Piece, file_of
from oneseed.shapes import Frames
from oneseed.state_file import StateFile, is_intact


class Kept:
    """The files of pieces.

    Args:
        folder: of the run.
        pieces: all of them.
        warm: windows begin with what the one before has learnt.
    """

    def __init__(self, folder: Path, pieces: Sequence[Piece], warm: bool = False):
        self.folder, self.pieces, self.warm = folder, list(pieces), warm
        self._named = {piece.name: piece for piece in pieces}
        self._awaited = {piece.after for piece in pieces} if warm else set()

    def __getitem__(self, name: str) -> Piece:
        return self._named[name]

    def keep(self, piece: Piece, frames: Frames, figures: dict[str, Any]) -> None:
        """What became of a piece.

        Raises:
            RunError: the disk is full, say. What was there before still is.
        """
        from safetensors.torch import save

        values = frames.detach().float().cpu().clamp(0, 1).contiguous()
        with said(self.folder):
            put(self.tensors(piece), save({"frames": values}, {"sha256": _sum(values)}))
            put(self._figures(piece), (json.dumps(figures) + "\n").encode())
            self._file(piece, "state").unlink(missing_ok=True)

    def frames_of(self, piece: Piece) -> Frames | None:
        """What was kept of a piece; None if it is not there, or damaged and so to be made again."""
        from safetensors import SafetensorError, safe_open

        if not (self._figures(piece).is_file() and self.tensors(piece).is_file()):
            return None
        try:
            with safe_open(str(self.tensors(piece)), "pt") as file:
                frames: Tensor = file.get_tensor("frames")
                known = file.metadata()["sha256"]
        except (SafetensorError, OSError, KeyError, TypeError):
            return None
        return frames if known == _sum(frames) else None

    def journal(self, piece: Piece) -> StateFile:
        """Where the piece that is being restored keeps what it would go on from, and meets its neighbours."""
        before = None
        if self.warm and piece.after is not None:
            before = self._learnt(piece.after), piece.box.first - self[piece.after].box.first
        after = self._learnt(piece.name) if piece.name in self._awaited else None
        return StateFile(self._file(piece, "state"), before, after)

    def passed_on(self, piece: Piece) -> bool:
        """Whether what it learnt is there for the next."""
        return is_intact(self._learnt(piece.name))

    def forget_passed_on(self, name: str) -> None:
        """Of a piece whose successor is done."""
        self._learnt(name).unlink(missing_ok=True)

    def teller(self, piece: Piece) -> Callable[[Epoch], None]:
        """What says how far the piece is."""
        return teller(self.folder, piece.name)

    def clear(self) -> None:
        """Delete what a run that was cut short left, and nobody needs."""
        forget(self.folder)
        for path in self.folder.glob("*/.*.part"):
            path.unlink(missing_ok=True)
        self._stop().unlink(missing_ok=True)

    def ask_to_stop(self) -> None:
        with said(self.folder):
            self._stop().touch()

    def asked_to_stop(self) -> bool:
        return self._stop().is_file()

    def figures_of(self, piece: Piece) -> dict[str, Any] | None:
        """What was noted of a piece that is done; None of one that is not."""
        path = self._figures(piece)
        return json.loads(path.read_bytes()) if path.is_file() else None

    def tensors(self, piece: Piece) -> Path:
        return self._file(piece, "safetensors")

    def _figures(self, piece: Piece) -> Path:
        return self._file(piece, "json")

    def _learnt(self, name: str) -> Path:
        return file_of(self.folder, name, "learnt")

    def _file(self, piece: Piece, ending: str) -> Path:
        return file_of(self.folder, piece.name, ending)

    def _stop(self) -> Path:
        return self.folder / "stop"


def _sum(frames: Tensor) -> str:
    return hashlib.sha256(frames.contiguous().numpy().tobytes()).hexdigest()
