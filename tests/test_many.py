"""A folder or a list of clips: each is restored, and what fails does not stop the rest."""

import json
import shutil
from pathlib import Path

import pytest
from tests.file_restoring import SPECS, measured

from oneseed.cli import main
from oneseed.clip.read import read
from oneseed.errors import RequestError
from oneseed.many import clips_of, passed_over, targets_of


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two clips, one of them frames, and a file that is none."""
    folder = tmp_path / "clips"
    folder.mkdir()
    measured(folder).rename(folder / "b.mkv")
    frames = folder / "c"
    frames.mkdir()
    from oneseed.clip.write import write

    clip = read(folder / "b.mkv", "0:3")
    write(folder / "frames", clip)
    shutil.rmtree(frames)
    (folder / "frames").rename(frames)
    (folder / "a.mp4").write_bytes(b"no video")
    (folder / "notes.pdf").touch()
    (folder / ".hidden.mkv").touch()
    (folder / "b.mkv.degradation").mkdir()
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    asked = ["-d", *SPECS, "--preset", "draft", "--set", "first_steps=3", "--set", "rounds=0", "--frames", "0:2"]
    monkeypatch.setattr("sys.argv", ["oneseed", "restore", *words, *asked])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_clips_of_a_folder(clips: Path):
    assert clips_of(clips) == [clips / name for name in ("a.mp4", "b.mkv", "c")]
    assert clips_of(clips / "c") is None
    assert clips_of(clips / "b.mkv") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_clips_of_a_list(clips: Path, tmp_path: Path, encoding: str):
    named = tmp_path / "list.txt"
    named.write_text("# ours\nclips/b.mkv\n\nclips/c\n", encoding=encoding)
    assert clips_of(named) == [clips / "b.mkv", clips / "c"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "clips/b.mkv\nnone.mkv\n"])
def test_a_list_of_nothing_is_refused(clips: Path, tmp_path: Path, text: str):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(RequestError, match="names"):
        clips_of(tmp_path / "list.txt")


def test_images_and_videos_in_one_folder_are_refused(clips: Path):
    shutil.copy(next((clips / "c").iterdir()), clips / "d.png")
    with pytest.raises(RequestError, match=r"holds images \(d\.png\) and videos \(a\.mp4\)"):
        clips_of(clips)


def test_targets_keep_their_names_and_never_meet(tmp_path: Path):
    folder = tmp_path / "c"
    folder.mkdir()
    sources = [Path("a.mp4"), Path("a.mkv"), Path("a.mts"), Path("x/b.wmv"), folder]
    names = ["a.mp4", "a.mkv", "a.mts.mkv", "b.mkv", "c"]
    assert targets_of(sources, Path("out"), False) == [Path("out") / name for name in names]
    assert targets_of(sources[1::-1], Path("out"), True) == [Path("out/a.mkv"), Path("out/a.mp4.mkv")]
    with pytest.raises(RequestError, match=r"two clips are called a\.mp4"):
        targets_of([Path("x/a.mp4"), Path("y/a.mp4")], Path("out"), False)


def test_all_are_restored_but_one_and_again_only_what_is_missing(clips: Path, tmp_path: Path, monkeypatch, capsys):
    out, told = tmp_path / "out", tmp_path / "told.json"
    assert run(monkeypatch, str(clips), str(out), "--json", str(told)) == 1
    said = capsys.readouterr().out
    assert "a.mp4: failed; " in said
    assert "3 clips: 2 restored, 1 failed" in said
    assert f"{clips / 'notes.pdf'}: passed over" in said
    assert "b.mkv.degradation: passed over" not in said
    assert sorted(item.name for item in out.iterdir()) == ["b.mkv", "c"]
    one, two, three = json.loads(told.read_text())["clips"]
    assert one["error"]
    assert "frames" not in one
    assert (two["error"], two["frames"], two["skipped"], three["output"]) == (None, 2, False, str(out / "c"))
    before = (out / "b.mkv").stat().st_mtime_ns
    shutil.rmtree(out / "c")
    assert run(monkeypatch, str(clips), str(out), "--json", str(told)) == 1
    said = capsys.readouterr().out
    assert "b.mkv: was there already" in said
    assert "3 clips: 1 restored, 1 there already, 1 failed" in said
    assert [clip["skipped"] for clip in json.loads(told.read_text())["clips"]] == [False, True, False]
    assert (out / "b.mkv").stat().st_mtime_ns == before
    assert (out / "c").is_dir()


def test_a_list_with_nothing_wrong_ends_well(clips: Path, tmp_path: Path, monkeypatch):
    named = tmp_path / "list.txt"
    named.write_text("clips/b.mkv\nclips/c\n")
    assert run(monkeypatch, str(named), str(tmp_path / "out"), "--lossless", "--work", str(tmp_path / "work")) == 0
    assert len(read(tmp_path / "out" / "b.mkv").frames) == 2
    assert not any((tmp_path / "work").iterdir()) if (tmp_path / "work").exists() else True


def test_a_folder_of_both_frames_and_videos_is_passed_over(clips: Path):
    (clips / "c" / "more.mkv").touch()
    found = clips_of(clips)
    assert found == [clips / "a.mp4", clips / "b.mkv"]
    assert passed_over(clips, found) == ["c", "notes.pdf"]


def test_outputs_never_take_the_place_of_inputs(clips: Path, monkeypatch, capsys):
    before = (clips / "b.mkv").read_bytes()
    assert run(monkeypatch, str(clips), str(clips), "--overwrite") == 2
    assert "clips is the input" in capsys.readouterr().err
    assert run(monkeypatch, str(clips / "b.mkv"), str(clips / "b.mkv"), "--overwrite") == 2
    assert "b.mkv is the input" in capsys.readouterr().err
    assert (clips / "b.mkv").read_bytes() == before


@pytest.mark.parametrize("option", ["reference", "output", "ending", "input"])
def test_what_makes_no_sense_for_many_is_refused(clips: Path, tmp_path: Path, monkeypatch, capsys, option: str):
    target, others = tmp_path / "out", ["--reference", str(clips / "b.mkv")] if option == "reference" else []
    if option == "output":
        target.touch()
    elif option == "ending":
        target = tmp_path / "out.mp4"
    elif option == "input":
        target = clips
    said = {
        "reference": "--reference with 3 clips", "output": "is no folder", "ending": "out.mp4 for many clips",
        "input": "is the input",
    }  # fmt: skip
    assert run(monkeypatch, str(clips), str(target), *others) == 2
    assert said[option] in capsys.readouterr().err
