"""Real clips, read, written and read again. Needs the folder that ONESEED_SHARED names."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from oneseed.clip.encoding import Encoding
from oneseed.clip.read import read
from oneseed.clip.write import write

pytestmark = pytest.mark.shared


@pytest.fixture
def clips():
    return Path(os.environ["ONESEED_SHARED"]) / "data" / "clips"


def test_a_real_video_keeps_its_picture_its_times_and_its_sound(tmp_path, clips):
    clip = read(clips / "bigbuckbunny.mp4", "20:30", "426x240")
    written = write(tmp_path / "out.mp4", clip)
    again = read(written.path)
    assert written.sound == "aac copied"
    assert again.times == tuple(time - clip.times[0] for time in clip.times)
    assert ((again.frames - clip.frames).mean(dim=(0, 2, 3)).abs() < 1 / 255).all()


def test_a_real_video_at_the_american_rate_is_exact(tmp_path, clips):
    clip = read(clips / "carphone_pristine.mp4", ":30")
    assert (clip.rate, clip.times[29]) == (Fraction(30000, 1001), Fraction(29 * 1001, 30000))
    for name in ("out.mp4", "out.mkv", "out.webm", "out.avi"):
        assert read(write(tmp_path / name, clip).path).times == clip.times


def test_a_real_folder_of_frames_comes_back(tmp_path, clips):
    clip = read(clips / "real_lowquality")
    again = read(write(tmp_path / "out.mkv", clip, encoding=Encoding(lossless=True)).path)
    assert (again.frames == clip.frames).all()
