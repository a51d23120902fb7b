"""From one file to another: what was degraded, restored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from oneseed.clip.cuts import find_cuts, parse_cuts
from oneseed.clip.encoding import Encoding
from oneseed.clip.output import check_output, require_other
from oneseed.clip.write import write
from oneseed.crew.choose import Crew
from oneseed.errors import RequestError
from oneseed.pieces import Piece, plan
from oneseed.restore import Epoch
from oneseed.restored import Restored
from oneseed.run import run_crew, run_pieces
from oneseed.sidecar import sidecar_files
from oneseed.sizing import Cutting, choose_sizes
from oneseed.station import Orders
from oneseed.task import Task
from oneseed.work import Work
from oneseed.worker import Figures, Worker


def restore_file(
    task: Task,
    target: Path,
    *,
    cutting: Cutting = Cutting(),  # noqa: B008
    crew: Crew = Crew(),  # noqa: B008
    warm_start: bool | None = None,
    minutes: float | None = None,
    encoding: Encoding = Encoding(),  # noqa: B008
    overwrite: bool = False,
    work: Path | None = None,
    keep_work: bool = False,
    begin: Callable[[Sequence[Piece], bool], None] = lambda pieces, warm: None,
    watch: Callable[[Epoch, Piece], None] = lambda epoch, piece: None,
    heard: Callable[[int, Sequence[Mapping[str, Any]]], None] = lambda done, notes: None,
    stop: Callable[[], bool] = lambda: False,
) -> Restored:
    """Carry out `task` into `target`, piece by piece, and go on where an earlier call with the same arguments ended.

    Args:
        crew: who restores the pieces. As many threads each give the same bytes.
        warm_start: each window begins with what the one before has learnt, and waits for it; None: where windows would
            begin at noise.
        encoding: of `target`, where that is not left to its ending.
        minutes: the search ends after so many, shared equally among the pieces.
        work: folder of what is done so far, `target` with `.oneseed` added unless given; it is deleted in the end.
        keep_work: it is not.
        begin: shown the pieces once all is found to be in order, and whether they start warm.
        watch: shown every epoch that this process makes, and the piece that it is of. It cannot change anything.
        heard: told now and then how many pieces are done, and how far others are with theirs.
        stop: asked after every epoch; when it says so, a clip of one piece is finished and written as it is, and one of
            several is left to be gone on with.

    Raises:
        RequestError: the request is wrong. Nothing was written.
        DivergedError: the run left the numbers before there was anything to write.
        InterruptedRunError: `stop` said so; what is done is kept in `work`.
        RunError: the disk is full, say; what is done is kept in `work`.
    """
    require_other(task.source, target)
    check_output(target, overwrite, encoding)
    crew.settle()
    worker = Worker(task)
    check_output(target, overwrite, encoding, clip=worker.clip)
    sizes = choose_sizes(
        worker.prior, worker.whole, worker.degrade, worker.recipe, worker.place, cutting, crew.share(task.device)
    )
    shots = parse_cuts(cutting.cuts, worker.whole[0])
    if shots is None:
        shots = find_cuts(worker.clip.frames) if worker.can_be_cut() else []
    pieces = plan(worker.whole, worker.degrade, sizes, shots)
    if len(pieces) > 1:
        worker.degrade.local(worker.whole, pieces[0].box)  # refused now, if at all
    bits = worker.clip.bits if encoding.exact(target) else 16
    folder = work or target.with_name(f"{target.name}.oneseed")
    warm = _warm(warm_start, worker)
    with Work(folder, worker.asked | {"sizes": asdict(sizes)}, pieces, worker.whole, bits, warm) as run:
        begin(pieces, warm)
        if crew.alone:
            run_pieces(worker, run, watch, stop, minutes)
        else:
            worker.rest()
            threads = crew.threads_each()
            hands = crew.hire(Orders(task, worker.clip, worker.asked, folder.absolute(), pieces, warm, threads))
            run_crew(hands, run, heard, stop, minutes)
        stale = sidecar_files(target) if target.exists() else []
        written = write(target, worker.clip.with_frames(run.final()), encoding=encoding, overwrite=overwrite)
        for file in stale:  # they described what was here before
            file.unlink(missing_ok=True)
        done = [Figures(**figures) for figures in run.figures()]
        if not keep_work:
            run.remove()
    return Restored(written=written, pieces=done, sizes=sizes, worker=worker)


def _warm(wanted: bool | None, worker: Worker) -> bool:
    """Whether windows begin with what the one before has learnt."""
    possible = worker.recipe.from_noise(worker.degrade.linear)
    if wanted and not possible:
        raise RequestError(
            "--warm-start, and each window begins at its own least squares; needed is a search from noise. "
            "Leave it out, or add --set start=noise --set follow_motion=false."
        )
    return possible if wanted is None else wanted
