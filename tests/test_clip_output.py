"""What may be written where, what is replaced and what is never touched."""

from fractions import Fraction

import pytest
import torch
from tests.clip_inputs import frames_of, pattern

from oneseed.clip import images
from oneseed.clip.clip import Clip
from oneseed.clip.encoding import Encoding
from oneseed.clip.output import check_output
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.errors import RequestError

NTSC = Fraction(30000, 1001)


@pytest.fixture
def clip():
    return Clip.steady(frames_of(pattern(6)), NTSC)


@pytest.mark.parametrize(
    ("name", "asked", "match"),
    [
        ("out.mpg", {}, r"ends in \.mpg"),
        ("out.png", {}, r"ends in \.png"),
        ("out.mp4", {"encoding": Encoding(lossless=True)}, r"needed \.mkv"),
        ("out", {"encoding": Encoding(lossless=True)}, r"needed \.mkv"),
        ("out.mp4", {"bits": 16}, r"16 bits for .*lossless \.mkv or a folder"),
        ("out.mkv", {"bits": 16}, r"16 bits for"),
        ("out", {"bits": 10}, "needed 8 or 16"),
        ("none/out.mp4", {}, "is not a folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, clip, name, asked, match):
    for refuse in (lambda: check_output(tmp_path / name, **asked), lambda: write(tmp_path / name, clip, **asked)):
        with pytest.raises(RequestError, match=match) as caught:
            refuse()
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_variable_rate_is_refused_in_avi(tmp_path, clip):
    uneven = Clip(clip.frames[:3], Fraction(25), (Fraction(0), Fraction(1, 25), Fraction(1, 10)))
    with pytest.raises(RequestError, match="needed a steady one"):
        check_output(tmp_path / "out.avi", clip=uneven)
    gap = Clip(clip.frames[:3], Fraction(25), (Fraction(0), Fraction(1, 25), Fraction(4, 25)))
    assert read(write(tmp_path / "out.avi", gap).path).times == gap.times


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(RequestError, match="cannot be written to"):
        check_output(tmp_path / "out.mp4")


@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "out"])
def test_what_is_there_is_only_replaced_when_asked(tmp_path, clip, name):
    write(tmp_path / name, Clip.steady(frames_of(pattern(2)), 25))
    with pytest.raises(RequestError, match="--overwrite"):
        write(tmp_path / name, clip)
    assert len(read(tmp_path / name).frames) == 2
    write(tmp_path / name, clip, overwrite=True)
    assert len(read(tmp_path / name).frames) == 6
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_a_file_never_replaces_a_folder_nor_a_folder_a_file(tmp_path, clip):
    (tmp_path / "a.mp4").mkdir()
    (tmp_path / "b").write_text("mine")
    with pytest.raises(RequestError, match="is a folder; needed a file"):
        write(tmp_path / "a.mp4", clip, overwrite=True)
    with pytest.raises(RequestError, match="is a file; needed a folder"):
        write(tmp_path / "b", clip, overwrite=True)


@pytest.mark.parametrize("stranger", ["notes.txt", "holiday.jpg", "sub/00000.png", "degradation.txt"])
def test_a_folder_that_holds_anything_else_is_never_replaced(tmp_path, clip, stranger):
    folder = write(tmp_path / "out", clip).path
    (folder / stranger).parent.mkdir(exist_ok=True)
    (folder / stranger).write_text("mine")
    with pytest.raises(RequestError, match=r"holds .*Move it"):
        write(folder, clip, overwrite=True)
    assert (folder / stranger).read_text() == "mine"


def test_a_folder_of_frames_and_their_sidecar_is_replaced(tmp_path, clip):
    folder = write(tmp_path / "out", clip).path
    (folder / "degradation").mkdir()
    (folder / "degradation" / "1-mask-mask.png").write_bytes(b"")
    (folder / "degradation.json").write_text("{}")
    write(folder, Clip.steady(frames_of(pattern(2)), 25), overwrite=True)
    assert sorted(item.name for item in folder.iterdir()) == ["00000.png", "00001.png"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, clip, monkeypatch):
    write(tmp_path / "out", clip)

    def fail(self, target):
        raise OSError("no")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="no"):
        write(tmp_path / "out", Clip.steady(clip.frames[:2], 25), overwrite=True)
    assert len(read(tmp_path / "out").frames) == 6
    assert [item.name for item in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["out.mp4", "out"])
def test_what_fails_midway_leaves_what_was_there(tmp_path, clip, name, monkeypatch):
    write(tmp_path / name, clip)
    before = read(tmp_path / name).frames

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "codes_of", stop)
    monkeypatch.setattr("oneseed.clip.encode.coded", stop)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / name, clip, overwrite=True)
    assert torch.equal(read(tmp_path / name).frames, before)
    assert [item.name for item in tmp_path.iterdir()] == [name]
