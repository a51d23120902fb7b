"""What the README shows in Python runs as it stands there."""

import re
from pathlib import Path

from tests.moving_clip import moving_clip

import oneseed
from oneseed.clip.clip import Clip
from oneseed.clip.read import read
from oneseed.clip.write import write


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "damaged.mp4", Clip.steady(moving_clip(4, 32), 25))
    quick = oneseed.preset("balanced").but({"fit_epochs": 1, "epochs": 1, "finish_rounds": 1})
    monkeypatch.setattr(oneseed, "preset", lambda name: quick, raising=False)
    (code,) = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    exec(code, {})
    assert read(tmp_path / "restored.mp4").frames.shape == (4, 3, 32, 32)
