"""`oneseed status`: what a folder tells of its run."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.file_restoring import FROM_NOISE, measured, restored

from oneseed.cli import main
from oneseed.errors import RequestError
from oneseed.restore import Epoch
from oneseed.status import Status, clock, lines, read_status


def test_a_run_says_how_far_it_is_while_it_is_at_it_and_after(tmp_path: Path):
    source, seen = measured(tmp_path), []
    folder = tmp_path / "out.mkv.oneseed"

    def look(epoch: Epoch, piece: Any) -> None:
        if piece.box.first > 0 and epoch.number == 1:
            seen.append(read_status(folder))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored(source, recipe=FROM_NOISE, watch=look)
    (during,), after = seen, read_status(folder)
    assert (during.running, after.running) == (True, False)
    for status in (during, after):
        assert (status.pieces, status.done, status.final, status.frames) == (2, 1, 4, 10)
        assert status.source == str(source)
    (note,) = during.at_work
    assert (note["piece"], note["phase"], note["number"]) == ("00001-00-00", "search", 0)
    assert after.at_work == []
    assert 0 < during.seconds_left < during.seconds
    assert lines(after, folder)[-2] == "no process of this machine is at it; the same command goes on"
    assert not any("no process" in line for line in lines(during, folder))
    restored(source, recipe=FROM_NOISE, keep_work=True)
    done = read_status(folder)
    assert (done.done, done.final, done.at_work, done.seconds_left) == (2, 10, [], 0)
    assert "done; the same command writes the output" in lines(done, folder)


def status(**others: Any) -> Status:
    known = {
        "source": "a", "degradation": ["mask"], "frames": 100, "size": (64, 64), "final": 0, "pieces": 10, "done": 2,
        "seconds": 20.0, "at_work": [], "running": True,
    }  # fmt: skip
    return Status(**known | others)


def test_the_time_left_is_that_of_the_pieces_left():
    def at(*seconds: float) -> list[dict[str, float]]:
        return [{"seconds": value} for value in seconds]

    assert status().seconds_left == 80
    assert status(at_work=at(5)).seconds_left == 75
    assert status(at_work=at(5, 5)).seconds_left == 35
    assert status(at_work=at(50)).seconds_left == pytest.approx(70.5)
    assert status(done=0, seconds=0.0).seconds_left is None
    assert clock(3725.4) == "1:02:05"


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_no_run_is_one_line(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(RequestError, match="holds no run" if content is None else "is damaged") as said:
        read_status(tmp_path)
    assert "\n" not in str(said.value)


def test_the_command_prints_and_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    restored(measured(tmp_path), keep_work=True)
    folder, told = tmp_path / "out.mkv.oneseed", tmp_path / "status.json"
    monkeypatch.setattr("sys.argv", ["oneseed", "status", str(folder), "--json", str(told)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "2 of 2 pieces done, 10 frames final" in capsys.readouterr().out
    assert json.loads(told.read_text())["done"] == 2
