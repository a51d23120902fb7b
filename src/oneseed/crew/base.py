"""What leads a run knows of those who work for it."""

from abc import ABC, abstractmethod
from concurrent.futures import Future


class Hand(ABC):
    """A process that restores pieces, one at a time. What it makes is in the folder of the run when it says that it is done."""

    @abstractmethod
    def begin(self) -> "Future[None]":
        """Start the process, anew if it died; done when its networks are open."""

    @abstractmethod
    def restore(self, name: str, seconds: float) -> "Future[None]":
        """One piece, with at most so many seconds of search."""

    @abstractmethod
    def end(self) -> None:
        """End the process, whatever it is at."""

    @abstractmethod
    def died(self, error: BaseException) -> bool:
        """Whether this, from a future, means that the process is gone."""

    def cause(self, error: BaseException) -> BaseException:
        """What was raised in the process."""
        return error
