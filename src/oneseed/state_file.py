"""The state of a search in a file: small, whole or not there, and believed only if its checksum is right."""

import json
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from oneseed.disk import said, whole
from oneseed.errors import RunError
from oneseed.journal import Baton, Journal, State


class StateFile(Journal):
    """A journal that keeps the last state in `path`, as often as takes a fifth of the time.

    Args:
        before: the file of what the window before has learnt, and by how many frames this one begins later.
        after: the file for what this one learns.
    """

    def __init__(self, path: Path, before: tuple[Path, int] | None = None, after: Path | None = None):
        self.path = path
        self._before, self._after = before, after
        self._next = -1.0

    def read(self) -> State | None:
        """None, too, where the file is damaged."""
        found = _read(self.path)
        if found is None:
            return None
        tensors, noted = found
        try:
            return State(noted["stage"], tensors, json.loads(noted["numbers"]))
        except (KeyError, ValueError):
            return None

    def note(self, state: Callable[[], State], always: bool = False) -> None:
        """Raises:
        RunError: the disk is full, say.
        """
        began = time.monotonic()
        if began < self._next and not always:
            return
        made = state()
        _write(self.path, made.tensors, {"stage": made.stage, "numbers": json.dumps(made.numbers)})
        ended = time.monotonic()
        self._next = ended + _SPARED * (ended - began)

    def before(self) -> Baton | None:
        """Raises:
        RunError: the file is not there, or damaged.
        """
        if self._before is None:
            return None
        path, later = self._before
        found = _read(path)
        if found is None:
            raise RunError(
                f"{path} is missing or damaged; needed is what a window has learnt. Give the same command again."
            )
        return Baton([tensor for _, tensor in sorted(found[0].items())], later)

    def after(self, learnt: Sequence[Tensor]) -> None:
        """Raises:
        RunError: the disk is full, say.
        """
        if self._after is not None:
            _write(self._after, {str(number): value for number, value in enumerate(learnt)}, {})


def is_intact(path: Path) -> bool:
    """Whether such a file is there, and its checksum is right."""
    return _read(path) is not None


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]] | None:
    """Tensors and what was noted beside them; None if the file is not there or damaged."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(str(path), "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            noted = file.metadata()
        return (tensors, noted) if noted["checksum"] == _checksum(tensors) else None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None


def _write(path: Path, tensors: dict[str, Tensor], noted: dict[str, str]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with said(path.parent), whole(path) as part:
        try:
            save_file(held, part, noted | {"checksum": _checksum(held)})  # not flushed: what the power takes is damaged
        except SafetensorError as error:  # as it calls a full disk
            raise OSError(None, str(error)) from error


_SPARED = 4
"""Times as long as keeping a state took, none is kept."""


def _checksum(tensors: dict[str, Tensor]) -> str:
    value = 0
    for name in sorted(tensors):
        held: Any = tensors[name].reshape(-1).numpy()
        value = zlib.crc32(held.view("u1"), zlib.crc32(name.encode(), value))
    return f"{value:08x}"
