"""Quality against time: what is reached when, and what the command prints."""

import json

import numpy as np
import pytest
from bench import until
from bench.until import Point
from PIL import Image
from tests.moving_clip import moving_clip


def test_when_a_run_is_as_good():
    points = [Point(1.0, 20.0), Point(2.0, 22.0), Point(3.0, 21.0)]
    assert until.until(points, 21.5) == 2.0
    assert until.until(points, 20.0) == 1.0
    assert until.until(points, 23.0) is None


def test_the_command_prints_and_writes(tmp_path, capsys):
    folder = tmp_path / "clips" / "moving"
    folder.mkdir(parents=True)
    for number, frame in enumerate(moving_clip()):
        picture = (frame.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    until.main(tmp_path / "clips", "", "mask", "draft", "0:3", "32", 2, tmp_path / "until.json")
    written = json.loads((tmp_path / "until.json").read_text())
    assert [len(points) for points in written.values()] == [4, 1]  # three epochs and a result; a start
    seconds = [point[0] for point in written["moving mask paper"]]
    assert seconds == sorted(seconds)
    _, _, paper, draft = capsys.readouterr().out.splitlines()
    assert paper.startswith("| moving, mask | paper |")
    share = float(draft.split("|")[-2])
    expected = written["moving mask draft"][0][0] / written["moving mask paper"][-1][0]
    assert share == pytest.approx(expected, abs=6e-4)
