"""A run on disk: what is done is kept, what is not is done again, and another run is told apart."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from oneseed import disk
from oneseed.degrade.mask import Mask
from oneseed.errors import RequestError, RunError
from oneseed.pieces import Sizes, plan
from oneseed.work import Work

WHOLE = (12, 3, 32, 48)
PIECES = plan(WHOLE, Mask(0.5), Sizes(6, 2, (32, 32), 8))
ASKED = {"program": "1", "recipe": {"rank": 16, "epochs": 4}}
FIGURES = {"epochs": 3}


def clip() -> Tensor:
    codes = torch.randint(0, 65536, WHOLE, generator=torch.Generator().manual_seed(0))
    return codes.float() / 65535


def work(folder: Path, **others: Any) -> Work:
    return Work(folder / "run", **{"asked": ASKED, "pieces": PIECES, "shape": WHOLE, "bits": 16} | others)


def test_what_pieces_agree_on_is_the_final_clip_to_the_bit(tmp_path: Path):
    x = clip()
    with work(tmp_path) as run:
        assert not run.resumed
        for piece in PIECES:
            assert not run.done(piece)
            run.keep(piece, piece.box.of(x), FIGURES)
            assert run.done(piece)
        assert torch.equal(run.final()[:], x)
        assert run.figures() == [FIGURES] * len(PIECES)
        assert not list((tmp_path / "run" / "pieces").glob("*.safetensors"))
        run.remove()
    assert not (tmp_path / "run").exists()


def test_frames_are_final_as_soon_as_all_their_pieces_are_there(tmp_path: Path):
    x, of_first_window = clip(), [piece for piece in PIECES if piece.box.first == 0]
    with work(tmp_path) as run:
        for piece in of_first_window:
            run.keep(piece, piece.box.of(x), FIGURES)
        second = next(piece.box.first for piece in PIECES if piece.box.first > 0)
        assert [run.is_final(frame) for frame in range(12)] == [True] * second + [False] * (12 - second)
        with pytest.raises(RunError, match=f"lacks frame {second}"):
            run.final()


def test_a_run_goes_on_where_it_ended(tmp_path: Path):
    x = clip()
    with work(tmp_path) as run:
        for piece in PIECES[:3]:
            run.keep(piece, piece.box.of(x), FIGURES)
    with work(tmp_path) as run:
        assert run.resumed
        run.settle()
        assert [run.done(piece) for piece in PIECES] == [True] * 3 + [False] * (len(PIECES) - 3)
        for piece in PIECES[3:]:
            run.keep(piece, piece.box.of(x), FIGURES)
        assert torch.equal(run.final()[:], x)


@pytest.mark.parametrize("harm", ["cut short", "other numbers", "gone", "no figures"])
def test_a_damaged_piece_is_made_again(tmp_path: Path, harm: str):
    piece = PIECES[0]
    tensors = tmp_path / "run" / "pieces" / f"{piece.name}.safetensors"
    with work(tmp_path) as run:
        run.keep(piece, piece.box.of(clip()), FIGURES)
        whole = tensors.read_bytes()
        if harm == "cut short":
            tensors.write_bytes(whole[:-5])
        elif harm == "other numbers":
            tensors.write_bytes(whole[:-5] + b"hello")
        else:
            (tensors if harm == "gone" else tensors.with_suffix(".json")).unlink()
        assert not run.done(piece)
        run.keep(piece, piece.box.of(clip()), FIGURES)
        assert run.done(piece)


def keep_all(run: Work, x: Tensor) -> None:
    for piece in PIECES:
        run.keep(piece, piece.box.of(x), FIGURES)


@pytest.mark.parametrize("when", ["piece", "frame"])
def test_killed_between_two_files_nothing_is_lost_or_counted_twice(tmp_path: Path, monkeypatch, when: str):
    x, writes = clip(), 0

    def dies(path: Path, content: bytes, put: Any = disk.put) -> None:
        nonlocal writes
        writes += path.suffix == (".json" if when == "piece" else ".png") and path.name != "run.json"
        if writes == 3:
            raise KeyboardInterrupt
        put(path, content)

    with monkeypatch.context() as patch:
        patch.setattr("oneseed.work.put", dies)
        patch.setattr("oneseed.kept.put", dies)
        with pytest.raises(KeyboardInterrupt), work(tmp_path) as run:
            keep_all(run, x)
    with work(tmp_path) as run:
        run.settle()
        for piece in PIECES:
            if not run.done(piece):
                run.keep(piece, piece.box.of(x), FIGURES)
        assert torch.equal(run.final()[:], x)
        assert len(run.figures()) == len(PIECES)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (
            {"asked": ASKED | {"recipe": {"rank": 8, "epochs": 4}}},
            r"another recipe \(rank: 16, now 8\); needed is the same",
        ),
        ({"asked": ASKED | {"program": "2"}}, r"another program \(1, now 2\)"),
        ({"pieces": PIECES[:-1]}, "in other pieces"),
    ],
)
def test_another_run_is_told_apart_and_left_alone(tmp_path: Path, others: dict[str, Any], said: str):
    with work(tmp_path) as run:
        run.keep(PIECES[0], PIECES[0].box.of(clip()), FIGURES)
    with pytest.raises(RequestError, match=f"run holds a run .*{said}.* --work"):
        work(tmp_path, **others)
    with work(tmp_path) as run:
        assert run.done(PIECES[0])


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "letters.txt").write_text("dear")
    with pytest.raises(RequestError, match=r"holds letters\.txt and no run"):
        work(tmp_path)
    assert [item.name for item in (tmp_path / "run").iterdir()] == ["letters.txt"]


def test_a_damaged_record_is_said(tmp_path: Path):
    with work(tmp_path) as run:
        run.keep(PIECES[0], PIECES[0].box.of(clip()), FIGURES)
    (tmp_path / "run" / "run.json").write_text("{")
    with pytest.raises(RequestError, match=r"run\.json is damaged"):
        work(tmp_path)


def test_two_processes_do_not_share_a_folder(tmp_path: Path):
    with work(tmp_path) as run:
        run.keep(PIECES[0], PIECES[0].box.of(clip()), FIGURES)
        with pytest.raises(RequestError, match="another process works in"):
            work(tmp_path)
    with work(tmp_path):
        pass


def test_a_folder_in_which_nothing_was_done_does_not_stay(tmp_path: Path):
    with pytest.raises(ValueError, match="early"), work(tmp_path):
        raise ValueError("early")
    assert not (tmp_path / "run").exists()


def test_a_full_disk_is_one_line_and_what_is_done_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    x = clip()
    with work(tmp_path) as run:
        run.keep(PIECES[0], PIECES[0].box.of(x), FIGURES)
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(
                RunError, match=r"No space left on device.*Make room, and give the same command again"
            ) as said:
                run.keep(PIECES[1], PIECES[1].box.of(x), FIGURES)
        assert "\n" not in str(said.value)
    with work(tmp_path) as run:
        assert [run.done(piece) for piece in PIECES[:2]] == [True, False]
        assert not list((tmp_path / "run" / "pieces").glob(".*"))


def test_a_final_frame_that_was_damaged_is_said(tmp_path: Path):
    with work(tmp_path) as run:
        for piece in PIECES:
            run.keep(piece, piece.box.of(clip()), FIGURES)
        (tmp_path / "run" / "frames" / "00004.png").write_bytes(b"no picture")
        with pytest.raises(RunError, match=r"00004\.png cannot be read .* start anew"):
            run.final()[:]


def test_eight_bits_are_kept_where_no_more_are_wanted(tmp_path: Path):
    with work(tmp_path, bits=8) as run:
        for piece in PIECES:
            run.keep(piece, piece.box.of(clip()), FIGURES)
        assert torch.equal(run.final()[:], (clip() * 255).round() / 255)
        assert json.loads((tmp_path / "run" / "run.json").read_text())["asked"] == ASKED | {"warm": False}


@pytest.mark.parametrize("kept", [False, True])
def test_a_folder_is_deleted_only_if_nothing_is_lost_with_it(tmp_path: Path, kept: bool):
    def dies() -> None:
        with work(tmp_path) as run:
            if kept:
                run.journal(PIECES[0]).path.write_bytes(b"a state")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies()
    assert (tmp_path / "run").exists() is kept
