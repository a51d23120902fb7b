"""One worker of several: it meets the others in the folder of the run, and nowhere else.

The functions at the end are what a process of its own, on this machine or another, is sent.
"""

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import Any

import torch

from oneseed.clip.clip import Clip
from oneseed.errors import RequestError
from oneseed.kept import Kept
from oneseed.notes import forget
from oneseed.pieces import Piece
from oneseed.restore import Epoch
from oneseed.task import Task
from oneseed.worker import Worker


@dataclass(frozen=True)
class Orders:
    """All that a worker must be told once."""

    task: Task
    clip: Clip
    """The input, as it was surveyed."""
    asked: Mapping[str, Any]
    """What `Worker.asked` says where the run is led."""
    folder: Path
    """Of the run."""
    pieces: Sequence[Piece]
    warm: bool
    threads: int


class Station:
    """A worker that keeps what it makes in the folder of the run.

    Raises:
        RequestError: the task cannot be carried out here, or what is found here is not what is found where the run is led.
    """

    def __init__(self, orders: Orders):
        torch.set_num_threads(orders.threads)
        self.worker = Worker(orders.task, orders.clip)
        self.kept = Kept(orders.folder, orders.pieces, orders.warm)
        if not (orders.folder / "run.json").is_file():
            raise RequestError(
                f"{orders.folder} is not there for a worker; needed is a disk that all machines see under one path. "
                "Give --work FOLDER on one."
            )
        here = self.worker.asked
        for name, value in orders.asked.items():
            if here[name] != value:
                raise RequestError(
                    f"a worker found another {name} ({here[name]}); needed is {value}. Make them the same."
                )

    def restore(self, name: str, seconds: float) -> None:
        """One piece, for at most so many seconds of search."""
        carry_out(self.worker, self.kept, self.kept[name], late=time.monotonic() + seconds)


def carry_out(
    worker: Worker,
    kept: Kept,
    piece: Piece,
    watch: Callable[[Epoch], None] = lambda epoch: None,
    stop: Callable[[], bool] = lambda: False,
    *,
    late: float = math.inf,
) -> None:
    """Restore one piece and keep what became of it.

    Args:
        stop: asked after every epoch; the folder is asked, too.
        late: when the search ends, by `time.monotonic`.

    Raises:
        InterruptedRunError: `stop` said so, and there are several pieces.
        DivergedError: the run left the numbers before there was anything to keep.
        RunError: the disk is full, say.
    """
    tell = kept.teller(piece)

    def shown(epoch: Epoch) -> None:
        watch(epoch)
        tell(epoch)

    try:
        frames, figures = worker.restore(
            piece, shown, lambda: stop() or kept.asked_to_stop(), late=late, alone=len(kept.pieces) == 1,
            journal=kept.journal(piece),
        )  # fmt: skip
    finally:
        forget(kept.folder, piece.name)
    kept.keep(piece, frames, asdict(figures))


_station: Station | None = None


def begin(orders: Orders, device: str) -> None:
    """Open the networks in this process, which ends with the one that leads, and leaves Ctrl-C to it."""
    global _station
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    leader = parent_process()
    if leader is not None:
        threading.Thread(target=_end_with, args=(leader.sentinel,), daemon=True).start()
    _station = Station(replace(orders, task=replace(orders.task, device=device)))


def restore(name: str, seconds: float) -> None:
    """One piece, in a process that has begun."""
    assert _station is not None
    _station.restore(name, seconds)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
