"""Files that are whole or not there, folders that one process has for itself, and failures of a disk in one line."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oneseed.errors import RequestError, RunError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Another name to write to, which becomes `path` when all is written, and is deleted when that fails."""
    part = path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def put(path: Path, content: bytes) -> None:
    """Write a file that appears under its name when it is on the disk, whole."""
    with whole(path) as part, part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def said(folder: Path) -> Iterator[None]:
    """Failures of the disk as one line.

    Raises:
        RunError: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        mend = "Make room" if full else "Mend that"
        raise RunError(
            f"{folder} cannot be written to ({error.strerror}); what is done so far is kept. "
            f"{mend}, and give the same command again."
        ) from error


def locked(folder: Path) -> Any:
    """An open file that no other process can lock; the system lets go of it when this one ends, however it does."""
    lock = (folder / "lock").open("ab")
    try:
        import fcntl
    except ImportError:  # Windows
        return lock
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise RequestError(f"another process works in {folder}; needed is one alone. Wait, or end it.") from error
    return lock


def is_locked(folder: Path) -> bool:
    """Whether a process of this machine has the folder for itself."""
    if not (folder / "lock").exists():
        return False
    try:
        locked(folder).close()
    except (RequestError, OSError):
        return True
    return False
