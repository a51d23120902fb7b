"""Workers that are processes of this machine."""

import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context

from oneseed import station
from oneseed.crew.base import Hand
from oneseed.station import Orders


class Process(Hand):
    """A pool of one, so that the death of a process is that of one worker."""

    def __init__(self, orders: Orders, device: str):
        self.orders, self.device = orders, device
        self._pool: ProcessPoolExecutor | None = None
        self._number: Future[int] | None = None

    def begin(self) -> "Future[None]":
        self.end()
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self._number = self._pool.submit(os.getpid)
        return self._pool.submit(station.begin, self.orders, self.device)

    def restore(self, name: str, seconds: float) -> "Future[None]":
        assert self._pool is not None
        try:
            return self._pool.submit(station.restore, name, seconds)
        except BrokenProcessPool as error:  # it died while it had nothing to do
            died: Future[None] = Future()
            died.set_exception(error)
            return died

    def end(self) -> None:
        if self._pool is None:
            return
        number = self._number
        if number is not None and number.done() and number.exception() is None:
            with suppress(ProcessLookupError):
                os.kill(number.result(), getattr(signal, "SIGKILL", signal.SIGTERM))
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None

    def died(self, error: BaseException) -> bool:
        return isinstance(error, BrokenProcessPool)
