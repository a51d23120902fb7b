"""What CONTRIBUTING.md says is tried, word for word."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.moving_clip import moving_clip
from tests.properties import test_every_degradation as properties
from tests.toy_prior import ToyPrior

import oneseed.degrade
from oneseed import registry, spec
from oneseed.errors import RequestError
from oneseed.flow.still import Still
from oneseed.presets import preset
from oneseed.recipe import Recipe
from oneseed.restore import restore
from oneseed.restore_file import restore_file
from oneseed.task import Task

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
(CODE,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def fade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The one file, in the room."""
    (tmp_path / "fade.py").write_text(CODE)
    monkeypatch.setattr(oneseed.degrade, "__path__", [*oneseed.degrade.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield
    sys.modules.pop("oneseed.degrade.fade", None)
    vars(oneseed.degrade).pop("fade", None)


def test_a_degradation_is_as_short_as_it_says():
    (lines,) = re.findall(r"## A degradation in (\d+) lines", TEXT)
    assert len([line for line in CODE.splitlines() if line.strip()]) <= int(lines)


@pytest.mark.usefixtures("fade")
def test_the_file_is_found_and_keeps_every_promise_of_its_room(tmp_path: Path):
    assert "fade" in registry.choices("degrade")
    assert registry.summary("degrade", "fade") == "Fading: contrast lost towards a grey level."
    tried = 0
    for name, check in vars(properties).items():
        marks = [mark.args[0] for mark in getattr(check, "pytestmark", [])]
        if name.startswith("test_") and marks == ["name"]:
            arguments = {"tmp_path": tmp_path} if "tmp_path" in check.__code__.co_varnames else {}
            check("fade", **arguments)
            tried += 1
    assert tried >= 10


@pytest.mark.usefixtures("fade")
def test_a_clip_is_restored_with_it():
    A, truth = spec.parse("fade:keep=0.7"), moving_clip(3, 16)
    recipe = Recipe(epochs=2, fit_epochs=1, patience=0, denoise_rounds=0)
    x = restore(A(truth), A, ToyPrior(), Still(), recipe)
    assert (x - truth).abs().mean() < 0.1 * (A(truth) - truth).abs().mean()


@pytest.mark.usefixtures("fade")
def test_the_command_works(tmp_path: Path):
    source, target = tmp_path / "old", tmp_path / "new"
    source.mkdir()
    for number in range(2):
        Image.fromarray(np.full((16, 16, 3), 70, np.uint8)).save(source / f"{number}.png")
    task = Task(source=source, recipe=preset("draft"), specs=("fade:keep=0.7",), flow="still", device="cpu")
    restore_file(task, target)
    restored = [np.array(Image.open(file)) for file in sorted(target.glob("*.png"))]
    assert len(restored) == 2
    levels = restored[0].astype(float) / np.iinfo(restored[0].dtype).max
    assert np.allclose(levels, 70 / 255 / 0.7, atol=0.01)


@pytest.mark.usefixtures("fade")
def test_its_errors_reach_the_user():
    with pytest.raises(RequestError, match=r"^fade:keep=2\.0; the share is in \(0, 1\]\. Give 0\.6, say\.$"):
        spec.parse("fade:keep=2")


def test_what_it_names_is_there():
    rules = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([\w-]+)", TEXT)) <= rules
    for file in re.findall(r"`((?:tests|src|docs|bench)/[\w./-]+)`", TEXT):
        assert (ROOT / file).exists(), file
