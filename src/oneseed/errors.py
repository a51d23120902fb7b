"""The errors that a user meets on purpose. Everything else that is raised is ours to mend."""

from typing import Any


class RequestError(ValueError):
    """The request cannot be carried out as asked.

    The message is one line in three parts: what was found, what was needed, what to do. The command line prints it
    without a traceback and ends with exit code 2.
    """


class DivergedError(RuntimeError):
    """The optimisation left the numbers. `frames` holds the last good video, or None if there was none."""

    def __init__(self, message: str, frames: Any = None):
        super().__init__(message)
        self.frames = frames


class RunError(RuntimeError):
    """The run cannot go on, and what it has done so far is kept: a full disk, an input that vanished, damaged work.

    The message is one line like that of a `RequestError`; the exit code is 1.
    """


class InterruptedRunError(RunError):
    """Asked to end before all was done; what is done is kept. The exit code is 130."""
