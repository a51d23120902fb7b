"""The ablations are methods that exist, each row another one, and the command shows them."""

import pytest
from bench import ablations, methods
from bench.ablations import ABLATIONS, Ablation
from tests.moving_clip import moving_clip

from oneseed.clip.clip import Clip
from oneseed.clip.write import write


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_row_is_another_method(name):
    recipes = [methods.find(method).recipe for method in ABLATIONS[name].rows.values()]
    assert len(set(recipes)) == len(recipes)


def test_table_7_is_made_of_two_switches():
    rows = [methods.find(method).recipe for method in ABLATIONS["table7"].rows.values()]
    assert [(row.joint, row.warp_weight > 0) for row in rows] == [
        ("seed", False),
        ("feature", False),
        ("seed", True),
        ("feature", True),
    ]


def test_the_command_shows_a_table(tmp_path, monkeypatch, capsys):
    write(tmp_path / "pan", Clip.steady(moving_clip(3, 32), 25), bits=16)
    rows = {"thick": "draft:first_steps=2,rounds=0", "thin": "draft:first_steps=20,rounds=0"}
    monkeypatch.setitem(ABLATIONS, "steps", Ablation("Steps", "mask", rows))
    ablations.main(tmp_path, tmp_path / "runs", "steps", None, "", "0:3", "32", "none", 1, 1)
    shown = capsys.readouterr().out.splitlines()
    numbers = {line.split("|")[1].strip(): float(line.split("|")[2]) for line in shown if line.startswith("| thi")}
    assert numbers["thick"] < numbers["thin"]
