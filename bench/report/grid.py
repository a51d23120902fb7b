"""A table before it is written in any language."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["rival", "by truth", "ours", "theirs"]


@dataclass(frozen=True)
class Cell:
    text: str
    error: str = ""
    """Standard error, shown after ±."""
    note: str = ""
    best: bool = False


EMPTY = Cell("–")


@dataclass(frozen=True)
class Row:
    cells: list[Cell]
    kind: Kind = "rival"


@dataclass(frozen=True)
class Grid:
    title: str
    columns: list[str]
    """The first ones, `labels` of them, hold words, the last ones, `sentences` of them, sentences; the others numbers."""
    rows: list[Row]
    notes: list[str]
    """Lines below it."""
    labels: int = 1
    sentences: int = 0

    def kind_of(self, column: int) -> Literal["label", "number", "sentence"]:
        """Counted from 0."""
        if column < self.labels:
            return "label"
        return "number" if column < len(self.columns) - self.sentences else "sentence"
