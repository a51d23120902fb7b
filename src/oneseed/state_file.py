"""The state of a search in a file: small, whole or not there, and believed only if its checksum is right."""

import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from oneseed.disk import said, whole
from oneseed.journal import Journal, State


class StateFile(Journal):
    """A journal that keeps the last state in `path`, as often as takes a fifth of the time."""

    def __init__(self, path: Path):
        self.path = path
        self._next = -1.0

    def read(self) -> State | None:
        """None, too, where the file is damaged."""
        from safetensors import SafetensorError, safe_open

        if not self.path.is_file():
            return None
        try:
            with safe_open(str(self.path), "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                noted = file.metadata()
            if noted["checksum"] != _checksum(tensors):
                return None
            return State(noted["stage"], tensors, json.loads(noted["numbers"]))
        except (SafetensorError, OSError, KeyError, TypeError, ValueError):
            return None

    def note(self, state: Callable[[], State], always: bool = False) -> None:
        """Raises:
        RunError: the disk is full, say.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        began = time.monotonic()
        if began < self._next and not always:
            return
        made = state()
        tensors = {name: value.detach().cpu().contiguous() for name, value in made.tensors.items()}
        noted = {"stage": made.stage, "numbers": json.dumps(made.numbers), "checksum": _checksum(tensors)}
        with said(self.path.parent), whole(self.path) as part:
            try:
                save_file(tensors, part, noted)  # not flushed: what the power takes is found to be damaged
            except SafetensorError as error:  # as it calls a full disk
                raise OSError(None, str(error)) from error
        ended = time.monotonic()
        self._next = ended + _SPARED * (ended - began)


_SPARED = 4
"""Times as long as keeping a state took, none is kept."""


def _checksum(tensors: dict[str, Tensor]) -> str:
    value = 0
    for name in sorted(tensors):
        held: Any = tensors[name].reshape(-1).numpy()
        value = zlib.crc32(held.view("u1"), zlib.crc32(name.encode(), value))
    return f"{value:08x}"
