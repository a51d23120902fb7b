"""Several workers: the same result as one, whoever dies on the way."""

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.file_restoring import DRAFT, SPECS, measured, restored, restored_while_one_is_killed

from oneseed.crew.base import Hand
from oneseed.crew.choose import Crew
from oneseed.crew.processes import Process
from oneseed.degrade.mask import Mask
from oneseed.errors import DivergedError, InterruptedRunError, RequestError, RunError
from oneseed.notes import notes
from oneseed.pieces import Sizes, plan
from oneseed.run import run_crew
from oneseed.station import Orders, Station
from oneseed.task import Task
from oneseed.work import Work
from oneseed.worker import Worker

WHOLE = (12, 3, 32, 48)
PIECES = plan(WHOLE, Mask(0.5), Sizes(6, 2, (32, 32), 8))
CLIP = torch.rand(WHOLE, generator=torch.Generator().manual_seed(0))
TWO = Crew(workers=2, threads=1)


class DiedError(Exception):
    pass


class Thread(Hand):
    """A worker that makes pieces of `CLIP` as soon as it may, and dies when `dies` says so."""

    def __init__(self, run: Work, dies: Callable[[str], Exception | None] = lambda name: None):
        self.run, self.dies, self.begun, self.made = run, dies, 0, []
        self.pool = ThreadPoolExecutor(1)

    def begin(self) -> "Future[None]":
        self.begun += 1
        return self.pool.submit(lambda: None)

    def restore(self, name: str, seconds: float) -> "Future[None]":
        self.made.append((name, seconds))

        def work() -> None:
            error = self.dies(name)
            if error is not None:
                raise error
            piece = self.run[name]
            super(Work, self.run).keep(piece, piece.box.of(CLIP), {"epochs": 1})

        return self.pool.submit(work)

    def end(self) -> None:
        self.pool.shutdown()

    def died(self, error: BaseException) -> bool:
        return isinstance(error, DiedError)


def worked(folder: Path, dies: Callable[[str], Exception | None] = lambda name: None, count: int = 2, **others: Any):
    asked = {"minutes": None, "stop": lambda: False, "heard": lambda done, notes: None} | others
    with Work(folder / "run", {}, PIECES, WHOLE, 16, others.pop("warm", False)) as run:
        hands = [Thread(run, dies) for _ in range(count)]
        run_crew(hands, run, asked["heard"], asked["stop"], asked["minutes"])
        return hands, run.final()[:]


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_all_pieces_are_restored_once(tmp_path: Path, count: int):
    hands, frames = worked(tmp_path, count=count)
    assert (frames - CLIP).abs().max() < 1e-5
    assert sorted(name for hand in hands for name, _ in hand.made) == [piece.name for piece in PIECES]
    assert sum(hand.begun for hand in hands) == min(count, len(PIECES))


def test_only_the_piece_of_the_worker_that_died_is_done_again(tmp_path: Path):
    died: list[str] = []

    def once(name: str) -> Exception | None:
        if name != PIECES[2].name or died:
            return None
        died.append(name)
        return DiedError()

    hands, frames = worked(tmp_path, once)
    made = [name for hand in hands for name, _ in hand.made]
    assert sorted(made) == sorted([piece.name for piece in PIECES] + [PIECES[2].name])
    assert sum(hand.begun for hand in hands) == 3
    assert (frames - CLIP).abs().max() < 1e-5


def test_a_piece_that_kills_three_times_ends_the_run_and_the_others_are_kept(tmp_path: Path):
    with pytest.raises(RunError, match=f"a worker died 3 times of piece {PIECES[2].name}") as said:
        worked(tmp_path, lambda name: DiedError() if name == PIECES[2].name else None)
    assert "\n" not in str(said.value)
    with Work(tmp_path / "run", {}, PIECES, WHOLE, 16) as run:
        assert run.resumed
        assert PIECES[2] in run.left()
        assert len(run.left()) < len(PIECES)


@pytest.mark.parametrize("error", [RequestError("no"), DivergedError("wild"), RunError("full")])
def test_what_a_worker_raises_is_raised(tmp_path: Path, error: Exception):
    with pytest.raises(type(error), match=str(error)):
        worked(tmp_path, lambda name: error if name == PIECES[1].name else None)


def test_time_is_shared_among_pieces_that_are_left_and_workers(tmp_path: Path):
    hands, _ = worked(tmp_path, minutes=10.0)
    seconds = sorted(share for hand in hands for _, share in hand.made)
    rounds = -(-len(PIECES) // 2)
    assert seconds[0] == pytest.approx(600 / rounds, abs=1)
    assert seconds[-1] == pytest.approx(600, abs=1)


def test_asked_to_stop_no_piece_is_begun_and_what_is_done_is_kept(tmp_path: Path):
    done: list[int] = []
    with pytest.raises(InterruptedRunError, match=rf"interrupted; \d of {len(PIECES)} pieces are done and kept in"):
        worked(tmp_path, count=1, heard=lambda count, notes: done.append(count), stop=lambda: max(done, default=0) >= 1)
    with Work(tmp_path / "run", {}, PIECES, WHOLE, 16) as run:
        assert 0 < len(run.left()) < len(PIECES)
        assert not run.asked_to_stop()


def test_two_processes_make_what_one_makes(tmp_path: Path):
    source, heard = measured(tmp_path), []
    expected, done = restored(source, "expected.mkv")
    found, other = restored(source, crew=TWO, heard=lambda count, notes: heard.append(count))
    assert torch.equal(found, expected)
    assert source.with_name("out.mkv").read_bytes() == source.with_name("expected.mkv").read_bytes()
    assert heard == sorted(heard)
    assert heard[-1] == 2
    told, before = other.as_dict(), done.as_dict()
    assert {name for name in told if told[name] != before[name]} <= {"seconds", "seconds_per_epoch", "peak_memory_mb"}
    assert not list(tmp_path.glob("*.oneseed"))


def test_a_process_that_is_killed_is_replaced_and_the_result_is_the_same(tmp_path: Path):
    found, done, expected, _ = restored_while_one_is_killed(measured(tmp_path), TWO)
    assert torch.equal(found, expected)
    assert [piece.epochs for piece in done.pieces] == [24, 24]


def test_when_who_leads_is_gone_the_processes_end(tmp_path: Path):
    """Otherwise they would write into a folder that another run may have."""
    import subprocess
    import sys

    source = measured(tmp_path)
    command = [
        sys.executable, "-m", "oneseed.cli", "restore", str(source), str(tmp_path / "out"), "-d", *SPECS, "--preset",
        "paper", "--window", "6", "--overlap", "2", "--workers", "2", "--threads", "1", "--no-warm-start",
    ]  # fmt: skip
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder, workers = tmp_path / "out.oneseed", []
    while running.poll() is None and len(workers) < 2:
        workers = [note["process"] for note in notes(folder)] if folder.is_dir() else []
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert len(workers) == 2
    ends = time.monotonic() + 10
    while time.monotonic() < ends and any(map(alive, workers)):
        time.sleep(0.05)
    assert not any(map(alive, workers))


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize(("asked", "said"), [({"workers": 0}, "--workers 0"), ({"threads": 0}, "--threads 0")])
def test_a_crew_of_nobody_is_refused(asked: dict[str, int], said: str):
    with pytest.raises(RequestError, match=said):
        Crew(**asked)


def test_a_crew_shares_cores_and_memory():
    assert Crew().alone
    assert Crew(workers=1).alone
    assert not Crew(ray="auto").alone
    assert [Crew(workers=count).share("cpu") for count in (1, 3)] == [1, 3]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(6)
        assert [Crew(workers=count).threads_each() for count in (1, 2, 4, 9)] == [6, 3, 1, 1]
        Crew(threads=2).settle()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert Crew(workers=2, threads=5).threads_each() == 5


def test_a_worker_that_sees_another_input_says_so(tmp_path: Path):
    source = measured(tmp_path)
    task = Task(source=source, recipe=DRAFT, specs=SPECS)
    worker = Worker(task)
    asked = worker.asked | {"input": worker.asked["input"] | {"content": "another"}}
    (tmp_path / "run").mkdir()
    orders = Orders(task, worker.clip, asked, tmp_path / "run", (), False, 1)
    with pytest.raises(RequestError, match="is not there for a worker"):
        Station(orders)
    (tmp_path / "run" / "run.json").touch()
    with pytest.raises(RequestError, match="a worker found another input"):
        Station(orders)


def test_errors_come_back_from_a_process(tmp_path: Path):
    source = measured(tmp_path)
    task = Task(source=source, recipe=DRAFT, specs=SPECS)
    worker = Worker(task)
    hand = Process(Orders(task, worker.clip, worker.asked, tmp_path / "nowhere", (), False, 1), "cpu")
    error = hand.begin().exception(60)
    hand.end()
    assert isinstance(error, RequestError)
    assert not hand.died(error)
    assert threading.active_count() < 50
