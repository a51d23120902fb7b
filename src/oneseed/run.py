"""The pieces of a run, one after the other or several at once; what is done is kept at once."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from oneseed.crew.base import Hand
from oneseed.errors import InterruptedRunError, RunError
from oneseed.notes import notes
from oneseed.pieces import Piece
from oneseed.queue import Queue
from oneseed.restore import Epoch
from oneseed.station import carry_out
from oneseed.work import Work
from oneseed.worker import Worker


def run_pieces(
    worker: Worker,
    run: Work,
    watch: Callable[[Epoch, Piece], None],
    stop: Callable[[], bool],
    minutes: float | None,
) -> None:
    """Restore what `run` does not hold yet, in this process.

    Raises:
        InterruptedRunError: `stop` said so, and there are several pieces.
    """
    run.settle()
    left = run.left()
    began = time.monotonic()
    for number, piece in enumerate(left):
        now = time.monotonic()
        share = (began + 60 * minutes - now) / (len(left) - number) if minutes is not None else math.inf
        try:
            carry_out(worker, run, piece, lambda epoch, piece=piece: watch(epoch, piece), stop, late=now + share)
        except InterruptedRunError as error:
            raise _interrupted(run, len(left) - number) from error


def run_crew(
    hands: Sequence[Hand],
    run: Work,
    heard: Callable[[int, Sequence[Mapping[str, Any]]], None],
    stop: Callable[[], bool],
    minutes: float | None,
) -> None:
    """Restore what `run` does not hold yet, by others. One that dies is replaced, and its piece is gone on with.

    Args:
        heard: told now and then how many pieces are done, and what was last said of those in work.

    Raises:
        InterruptedRunError: `stop` said so.
        RunError: a worker died of the same piece three times; or what a worker raises.
    """
    run.settle()
    queue, deaths = Queue(run.left(), run.warm), Counter[str]()
    end = time.monotonic() + 60 * minutes if minutes is not None else math.inf

    def next_job(hand: Hand) -> "Future[None] | None":
        piece = None if run.asked_to_stop() else queue.take()
        if piece is None:
            return None
        at[hand] = piece
        rounds = math.ceil(len(queue) / len(hands))
        return hand.restore(piece.name, max(end - time.monotonic(), 0) / rounds)

    at: dict[Hand, Piece] = {}
    """What each is at."""
    busy = {hand.begin(): hand for hand in hands[: len(queue)]}
    idle: list[Hand] = []
    try:
        while busy:
            finished, _ = wait(busy, _PATIENCE, FIRST_COMPLETED)
            if stop() and not run.asked_to_stop():
                run.ask_to_stop()
            heard(len(run.pieces) - len(queue), notes(run.folder))
            for future in finished:
                hand = busy.pop(future)
                piece, error = at.pop(hand, None), future.exception()
                if error is not None and hand.died(error):
                    name = piece.name if piece else "begin"
                    deaths[name] += 1
                    if deaths[name] == _DEATHS:
                        raise RunError(_died(name)) from error
                    if piece:
                        queue.put_back(piece)
                    busy[hand.begin()] = hand
                    continue
                if error is not None and not isinstance(hand.cause(error), InterruptedRunError):
                    raise hand.cause(error)
                if error is None and piece is not None:
                    run.settle([piece])
                    queue.done(piece)
                idle.append(hand)
            for hand in list(idle):
                if (job := next_job(hand)) is not None:
                    idle.remove(hand)
                    busy[job] = hand
    finally:
        for hand in hands:
            hand.end()
    heard(len(run.pieces) - len(queue), ())
    if len(queue):
        raise _interrupted(run, len(queue))


_PATIENCE = 0.2
"""Seconds between two looks at who works."""
_DEATHS = 3


def _interrupted(run: Work, left: int) -> InterruptedRunError:
    return InterruptedRunError(
        f"interrupted; {len(run.pieces) - left} of {len(run.pieces)} pieces are done and kept in {run.folder}. "
        "Give the same command again to go on."
    )


def _died(name: str) -> str:
    what = "while it opened its networks" if name == "begin" else f"of piece {name}"
    return (
        f"a worker died {_DEATHS} times {what}, as they do when memory runs out; what is done is kept. "
        "Give the same command again, with fewer --workers or, into another --work, smaller --tile or --window."
    )
