"""The pieces of a run, one after the other; what is done is kept at once."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict

from oneseed.errors import InterruptedRunError
from oneseed.pieces import Piece
from oneseed.restore import Epoch
from oneseed.work import Work
from oneseed.worker import Worker


def run_pieces(
    worker: Worker,
    run: Work,
    watch: Callable[[Epoch, Piece], None],
    stop: Callable[[], bool],
    minutes: float | None,
) -> None:
    """Restore what `run` does not hold yet.

    Raises:
        InterruptedRunError: `stop` said so, and there are several pieces.
    """
    run.settle()
    left = [piece for piece in run.pieces if not run.done(piece)]
    began = time.monotonic()
    for number, piece in enumerate(left):
        now = time.monotonic()
        share = (began + 60 * minutes - now) / (len(left) - number) if minutes is not None else math.inf
        try:
            frames, figures = worker.restore(
                piece,
                lambda epoch, piece=piece: watch(epoch, piece),
                stop,
                late=now + share,
                alone=len(run.pieces) == 1,
                journal=run.journal(piece),
            )
        except InterruptedRunError as error:
            raise InterruptedRunError(
                f"interrupted; {len(run.pieces) - len(left) + number} of {len(run.pieces)} pieces are done and kept in "
                f"{run.folder}. Give the same command again to go on."
            ) from error
        run.keep(piece, frames, asdict(figures))
