"""Clips that are restored in pieces: the same as at once, gone on with after a kill, and written all the same."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.file_restoring import DRAFT, FROM_NOISE, SPECS, measured, restored

from oneseed import worker
from oneseed.clip.encoding import Encoding
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.errors import DivergedError, InterruptedRunError, RequestError
from oneseed.fingerprint import fingerprint
from oneseed.presets import preset
from oneseed.prior.tiny import SHIPPED
from oneseed.restore import Epoch
from oneseed.restore_file import restore_file
from oneseed.task import Task


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return measured(tmp_path)


def test_windows_and_tiles_give_what_one_piece_gives_but_for_a_little(source: Path):
    whole = restore_file(
        Task(source=source, recipe=DRAFT, specs=SPECS), source.with_name("whole.mkv"), encoding=Encoding(lossless=True)
    )
    assert len(whole.pieces) == 1
    one = read(whole.written.path).frames
    several, done = restored(source, tile="16", tile_overlap=8)
    assert len(done.pieces) == 2 * 2 * 2
    assert (several - one).square().mean().sqrt() < 0.02
    assert done.as_dict()["pieces"] == 8
    assert done.as_dict()["window"] == 6
    assert done.as_dict()["tile"] == [16, 16]
    assert not list(source.parent.glob("*.oneseed"))


def test_what_is_done_is_kept_on_request(source: Path):
    _, done = restored(source, keep_work=True)
    assert (source.parent / "out.mkv.oneseed" / "run.json").is_file()
    again, more = restored(source, "out.mkv", overwrite=True, work=source.parent / "out.mkv.oneseed")
    assert more.pieces == done.pieces
    assert not (source.parent / "out.mkv.oneseed").exists()
    assert len(again) == 10


def test_stopped_between_pieces_the_same_call_goes_on_to_the_same_bytes(source: Path, monkeypatch: pytest.MonkeyPatch):
    expected, done = restored(source, "expected.mkv")
    shown: list[str] = []
    plain = worker.optimise

    def counted(*arguments: Any, **others: Any):
        shown.append("piece")
        yield from plain(*arguments, **others)

    monkeypatch.setattr(worker, "optimise", counted)
    with pytest.raises(InterruptedRunError, match=r"1 of 2 pieces are done and kept in .*out\.mkv\.oneseed") as said:
        restored(source, stop=lambda: len(shown) == 2)
    assert "\n" not in str(said.value)
    assert not source.with_name("out.mkv").exists()
    shown.clear()
    found, more = restored(source)
    assert torch.equal(found, expected)
    assert source.with_name("out.mkv").read_bytes() == source.with_name("expected.mkv").read_bytes()
    assert len(shown) == 1
    assert [piece.epochs for piece in more.pieces] == [piece.epochs for piece in done.pieces]


def test_killed_at_any_moment_the_same_command_ends_with_the_same_bytes(source: Path):
    """`kill -9`, in a process of its own."""
    command = [
        sys.executable, "-m", "oneseed.cli", "restore", str(source), "out", "-d", *SPECS, "--preset", "draft", "--window", "5",
        "--overlap", "2", "--tile", "16", "--tile-overlap", "8", "--set", "rounds=0", "--set", "first_steps=5",
    ]  # fmt: skip
    folder = source.parent
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    expected = {file.name: file.read_bytes() for file in (folder / "out").iterdir()}
    shutil.rmtree(folder / "out")
    pieces = folder / "out.oneseed" / "pieces"
    for count in (1, 7):
        running = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while running.poll() is None and len(list(pieces.glob("*.json"))) < count:
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert not (folder / "out").exists()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert {file.name: file.read_bytes() for file in (folder / "out").iterdir()} == expected
    assert not (folder / "out.oneseed").exists()


@pytest.mark.parametrize("what", ["input", "recipe", "noise", "window"])
def test_another_request_does_not_go_on_with_the_same_folder(source: Path, what: str):
    restored(source, keep_work=True)
    others: dict[str, Any] = {"work": source.parent / "out.mkv.oneseed"}
    said = {
        "input": "content",
        "recipe": "rounds: 1, now 2",
        "noise": "noise: 0.0, now 0.1",
        "window": "window: 6, now 5",
    }
    if what == "input":
        clip = read(source)
        write(source, clip.with_frames(clip.frames * 0.9), encoding=Encoding(lossless=True), bits=16, overwrite=True)
    elif what == "recipe":
        others["recipe"] = DRAFT.but({"rounds": 2})
    elif what == "noise":
        others["noise"] = 0.1
    elif what == "window":
        others["window"] = "5"
    with pytest.raises(RequestError, match=said[what]):
        restored(source, "b.mkv", **others)
    assert (source.parent / "out.mkv.oneseed" / "run.json").is_file()


def test_the_watcher_is_told_which_piece_it_sees(source: Path):
    told: list[tuple[str, int]] = []
    begun: list[int] = []

    def watch(epoch: Epoch, piece: Any) -> None:
        told.append((epoch.phase, piece.box.first))
        assert epoch.x.shape == piece.box.shape()

    restored(source, watch=watch, begin=lambda pieces, warm: begun.append(len(pieces)))
    assert begun == [2]
    assert [first for _, first in told] == sorted(first for _, first in told)
    assert {first for _, first in told} == {0, 4}


def test_a_piece_that_leaves_the_numbers_is_told_and_the_others_go_on(source: Path, monkeypatch: pytest.MonkeyPatch):
    plain, calls = worker.optimise, 0

    def wild(*arguments: Any, **others: Any):
        nonlocal calls
        calls += 1
        for epoch in plain(*arguments, **others):
            yield epoch
            if calls == 1:
                raise DivergedError("the loss is nan at epoch 0", epoch.x)

    monkeypatch.setattr(worker, "optimise", wild)
    frames, done = restored(source)
    assert done.diverged == "the loss is nan at epoch 0"
    assert [piece.diverged is None for piece in done.pieces] == [False, True]
    assert frames.isfinite().all()


def test_time_is_shared_among_pieces(source: Path, monkeypatch: pytest.MonkeyPatch):
    late: list[float] = []
    plain = worker.Worker.restore

    def noted(self: Any, *arguments: Any, **others: Any):
        late.append(others["late"] - time.monotonic())
        return plain(self, *arguments, **others)

    monkeypatch.setattr(worker.Worker, "restore", noted)
    restored(source, minutes=10.0)
    assert late[0] == pytest.approx(300, abs=5)
    assert late[1] == pytest.approx(600, abs=60)


def test_figures_are_those_of_all_pieces(source: Path):
    _, done = restored(source, keep_work=True)
    figures = [
        json.loads(file.read_text()) for file in sorted((source.parent / "out.mkv.oneseed/pieces").glob("*.json"))
    ]
    told = done.as_dict()
    assert told["seconds"] == pytest.approx(sum(piece["seconds"] for piece in figures), abs=1e-3)
    assert told["data_loss"] == pytest.approx(sum(piece["data_loss"] for piece in figures) / 2)
    assert told["peak_memory_mb"] == pytest.approx(max(piece["peak_memory_mb"] for piece in figures), abs=0.1)


@pytest.mark.parametrize(
    ("cuts", "windows"), [("none", [(0, 6), (4, 10)]), ("5", [(0, 5), (5, 10)]), ("auto", [(0, 6), (4, 10)])]
)
def test_windows_end_at_cuts(source: Path, cuts: str, windows: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[int, int]] = []
    restored(source, cuts=cuts, begin=lambda pieces, warm: seen.extend(piece.box[:2] for piece in pieces))
    assert seen == windows
    monkeypatch.setattr("oneseed.restore_file.find_cuts", lambda frames: [3])
    seen.clear()
    restored(
        source, cuts=cuts, begin=lambda pieces, warm: seen.extend(piece.box[:2] for piece in pieces), overwrite=True
    )
    assert (seen[0] == (0, 3)) is (cuts == "auto")


def test_a_piece_goes_on_from_its_last_epoch(source: Path, monkeypatch: pytest.MonkeyPatch):
    recipe = preset("balanced").but(
        {"epochs": 6, "fit_epochs": 2, "finish_rounds": 1, "denoise_rounds": 0, "patience": 0}
    )
    expected, _ = restored(source, "expected.mkv", recipe=recipe)
    monkeypatch.setattr("oneseed.state_file._SPARED", 0)
    seen: list[int] = []

    def dies(epoch: Epoch, piece: Any) -> None:
        seen.append(epoch.number)
        if len(seen) == 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored(source, recipe=recipe, watch=dies)
    cut = seen[-1]
    found, done = restored(source, recipe=recipe, watch=lambda epoch, piece: seen.append(epoch.number))
    assert torch.equal(found, expected)
    assert seen[14:16] == [0, cut]  # the start is shown again, and not made again
    assert [piece.epochs for piece in done.pieces] == [8, 8]
    assert not list(source.parent.glob("*.oneseed"))


@pytest.mark.parametrize("place", [0, 2**21, 2**22 - 1])
def test_files_of_one_length_are_told_apart(tmp_path: Path, place: int):
    content = bytearray(2**22)
    (tmp_path / "a").write_bytes(content)
    before = fingerprint(tmp_path / "a")
    assert fingerprint(tmp_path / "a") == before
    content[place] = 1
    (tmp_path / "a").write_bytes(content)
    assert fingerprint(tmp_path / "a") != before


def test_windows_that_start_warm_begin_where_the_one_before_ended(source: Path):
    """And a clip that starts from noise does so unless told otherwise."""
    seen: dict[bool, list[tuple[int, float]]] = {True: [], False: []}
    recipe = FROM_NOISE.but({"lr_seed": 0.1, "lr_residual": 0.03, "epochs": 12})
    for warm in (True, False):

        def watch(epoch: Epoch, piece: Any, warm: bool = warm) -> None:
            if piece.box.first > 0 and epoch.phase == "search":
                seen[warm].append((epoch.number, epoch.data_loss))

        restored(source, recipe=recipe, watch=watch, warm_start=None if warm else False, overwrite=True)
    assert [number for number, _ in seen[True]] == list(range(recipe.warm().epochs + 1))
    assert [number for number, _ in seen[False]] == list(range(recipe.epochs + 1))
    assert seen[True][0][1] < seen[False][2][1]


def test_warm_windows_go_on_to_the_same_bytes(source: Path):
    expected, _ = restored(source, "expected.mkv", recipe=FROM_NOISE)

    def dies(epoch: Epoch, piece: Any) -> None:
        if piece.box.first > 0 and epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored(source, recipe=FROM_NOISE, watch=dies)
    learnt = source.parent / "out.mkv.oneseed" / "pieces" / "00000-00-00.learnt"
    assert learnt.is_file()
    found, _ = restored(source, recipe=FROM_NOISE, keep_work=True)
    assert torch.equal(found, expected)
    assert not learnt.exists()


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_what_a_window_learnt_is_learnt_again_where_it_is_lost(source: Path, harm: str):
    expected, _ = restored(source, "expected.mkv", recipe=FROM_NOISE)

    def dies(epoch: Epoch, piece: Any) -> None:
        if piece.box.first > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored(source, recipe=FROM_NOISE, watch=dies)
    learnt = source.parent / "out.mkv.oneseed" / "pieces" / "00000-00-00.learnt"
    if harm == "gone":
        learnt.unlink()
    else:
        content = bytearray(learnt.read_bytes())
        content[-1] ^= 1
        learnt.write_bytes(content)
    begun: set[str] = set()
    found, _ = restored(source, recipe=FROM_NOISE, watch=lambda epoch, piece: begun.add(piece.name))
    assert torch.equal(found, expected)
    assert len(begun) == 2


def test_a_warm_start_of_what_begins_at_least_squares_is_refused(source: Path):
    with pytest.raises(RequestError, match="--warm-start, and each window begins at its own least squares"):
        restored(source, warm_start=True)


def test_networks_are_opened_once_for_clips_one_after_the_other_and_again_when_they_changed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened: list[str] = []
    plain = worker.load_prior
    folder = tmp_path / "prior"
    shutil.copytree(SHIPPED, folder)
    monkeypatch.setattr(worker, "load_prior", lambda which, *a, **b: opened.append(which) or plain(which, *a, **b))
    asked = {"recipe": FROM_NOISE.but({"epochs": 1, "warp_from": 0}), "prior": str(folder), "window": "all"}
    for number in range(2):
        restored(source, f"{number}.mkv", **asked)
    assert len(opened) == 1
    os.utime(folder / "autoencoder" / "config.json")
    restored(source, "2.mkv", **asked)
    assert len(opened) == 2
