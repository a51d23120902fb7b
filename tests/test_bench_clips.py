"""Clips are found in the layouts that the data sets' archives have."""

import pytest
from bench.clips import choose, clips


def _pictures(folder):
    folder.mkdir(parents=True)
    (folder / "00000.png").touch()


LAYOUTS = {
    "DAVIS": ["JPEGImages/480p/bear", "JPEGImages/480p/camel"],
    "DAVIS inside DAVIS": ["DAVIS/JPEGImages/Full-Resolution/bear", "DAVIS/JPEGImages/Full-Resolution/camel"],
    "REDS": ["val/val_sharp/bear", "val/val_sharp/camel", "train_sharp/000"],
    "SPMCS": ["bear/truth", "camel/truth", "bear/input4"],
    "UDM10": ["GT/bear", "GT/camel"],
    "any": ["bear", "camel"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_known(layout, tmp_path):
    for folder in LAYOUTS[layout]:
        _pictures(tmp_path / folder)
    found = clips(tmp_path)
    assert [clip.name for clip in found] == ["bear", "camel"]
    assert found[0].dataset == (tmp_path.name if layout == "any" else layout.split()[0])
    assert found[0].path == tmp_path / LAYOUTS[layout][0]


@pytest.mark.parametrize(
    ("file", "lines"),
    [("2017/val.txt", "camel\n"), ("480p/val.txt", "/JPEGImages/480p/camel/0.jpg /Annotations/0.png\n")],
)
def test_davis_is_its_validation_list(file, lines, tmp_path):
    for folder in LAYOUTS["DAVIS"]:
        _pictures(tmp_path / folder)
    (tmp_path / "ImageSets" / file).parent.mkdir(parents=True)
    (tmp_path / "ImageSets" / file).write_text(lines)
    assert [clip.name for clip in clips(tmp_path)] == ["camel"]


def test_video_files_are_clips_and_nothing_else_is(tmp_path):
    _pictures(tmp_path / "frames")
    (tmp_path / "holiday.mp4").touch()
    (tmp_path / "notes.txt").touch()
    assert [clip.name for clip in clips(tmp_path)] == ["frames", "holiday"]


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(ValueError, match="holds no clips; needed are folders of pictures"):
        clips(tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        clips(tmp_path / "none")
    _pictures(tmp_path / "bear")
    assert choose(clips(tmp_path), "") == clips(tmp_path)
    with pytest.raises(ValueError, match="no clip 'cow'; there are bear"):
        choose(clips(tmp_path), "bear cow")
