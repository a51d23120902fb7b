"""How far each piece of a run is: said in its folder by whoever is at it, about once a second."""

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from oneseed.disk import said, whole
from oneseed.epoch import Epoch
from oneseed.journal import told
from oneseed.pieces import file_of


def teller(folder: Path, name: str) -> Callable[[Epoch], None]:
    """What says how far a piece is, a second after the last time it did or later."""
    began = time.monotonic()
    last = began - _SECONDS

    def tell(epoch: Epoch) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _SECONDS:
            return
        last = now
        note = {"piece": name, "host": socket.gethostname(), "process": os.getpid(), "seconds": now - began} | told(
            epoch
        )
        with said(folder), whole(file_of(folder, name, "now")) as part:
            part.write_text(json.dumps(note) + "\n")

    return tell


_SECONDS = 1.0


def notes(folder: Path) -> list[dict[str, Any]]:
    """What was last said of each piece."""
    found = []
    for path in sorted(folder.glob("pieces/*.now")):
        with suppress(OSError, ValueError):  # it is just done
            found.append(json.loads(path.read_bytes()))
    return found


def forget(folder: Path, name: str | None = None) -> None:
    """What was said of a piece, or of all."""
    for path in folder.glob("pieces/*.now") if name is None else [file_of(folder, name, "now")]:
        path.unlink(missing_ok=True)
