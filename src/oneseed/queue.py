"""Which piece is next."""

from collections.abc import Sequence

from oneseed.pieces import Piece


class Queue:
    """Pieces that wait, some of them for what their neighbours learn.

    Args:
        left: what must be restored, in order.
        warm: windows begin with what the one before has learnt.
    """

    def __init__(self, left: Sequence[Piece], warm: bool):
        self._waiting, self._open = list(left), {piece.name for piece in left}
        self._warm = warm
        self._behind: dict[str, int] = {}
        for piece in reversed(left):  # the longest chain of pieces that wait for one another
            if warm and piece.after is not None:
                self._behind[piece.after] = max(self._behind.get(piece.after, 0), 1 + self._behind.get(piece.name, 0))

    def __len__(self) -> int:
        """Pieces that are not done."""
        return len(self._open)

    def take(self) -> Piece | None:
        """The piece that most wait for, of those that wait for nothing; None if there is none now."""
        ready = [piece for piece in self._waiting if not (self._warm and piece.after in self._open)]
        if not ready:
            return None
        piece = max(ready, key=lambda piece: self._behind.get(piece.name, 0))  # the first of several
        self._waiting.remove(piece)
        return piece

    def done(self, piece: Piece) -> None:
        self._open.discard(piece.name)

    def put_back(self, piece: Piece) -> None:
        """Whoever had it could not restore it."""
        self._waiting.insert(0, piece)
