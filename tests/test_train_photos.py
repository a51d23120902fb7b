"""Pictures to learn from: what is read, and how it is cut."""

import tarfile
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.clip_inputs import frames_of, make_video, pattern
from tests.small_tiny import write_photos

from oneseed.errors import RequestError
from oneseed.train.photos import Crops, load_photos


def test_a_folder_is_read_to_the_bottom_in_order_of_names(tmp_path: Path):
    for name, grey in (("b.png", 20), ("a.PNG", 10), ("deep/er/c.jpg", 30)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 6), grey).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no photo")
    photos = load_photos(tmp_path)
    assert [(photo.shape, photo.dtype) for photo in photos] == [((3, 6, 8), torch.uint8)] * 3
    assert [photo.float().mean().item() for photo in photos] == [10, 20, 30]


def test_a_tar_is_read_like_the_folder_it_was_made_from(tmp_path: Path):
    folder = write_photos(tmp_path / "photos")
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        for file in sorted(folder.iterdir(), reverse=True):
            archive.add(file, file.name)
    for a, b in zip(load_photos(folder), load_photos(tmp_path / "photos.tar"), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("size", "short_side", "shape"), [((40, 20), 10, (10, 20)), ((20, 41), 10, (20, 10)), ((8, 9), 10, (9, 8))]
)
def test_large_photos_are_scaled_to_a_short_side(tmp_path: Path, size: tuple[int, int], short_side: int, shape):
    Image.new("RGB", size).save(tmp_path / "photo.png")
    (photo,) = load_photos(tmp_path, short_side)
    assert photo.shape == (3, *shape)


def test_what_holds_no_photos_is_refused(tmp_path: Path):
    with pytest.raises(RequestError, match="holds no photos; needed is a folder or tar of"):
        load_photos(tmp_path)
    with pytest.raises(RequestError, match="nowhere is not there; needed is a folder or tar of photos, or a video"):
        load_photos(tmp_path / "nowhere")
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(RequestError, match="is neither a tar of photos nor a video that can be read"):
        load_photos(tmp_path / "x.zip")


@pytest.mark.parametrize("content", [b"", b"not a photo", "half"])
def test_a_damaged_photo_is_named(tmp_path: Path, content: bytes | str):
    whole = write_photos(tmp_path / "photos", 1) / "0.png"
    (tmp_path / "bad.png").write_bytes(whole.read_bytes()[:900] if isinstance(content, str) else content)
    with pytest.raises(RequestError, match=r"^bad\.png cannot be read \(.*\); needed is a whole photo"):
        load_photos(tmp_path)


def test_the_same_step_of_the_same_seed_is_the_same_batch(tmp_path: Path):
    photos = load_photos(write_photos(tmp_path / "photos"))
    crops = Crops(photos, 32, seed=1)
    first = crops.batch(5, 3)
    assert first.shape == (3, 3, 32, 32)
    assert first.dtype == torch.float32
    assert 0 <= first.min() < first.max() <= 1
    crops.batch(6, 3)
    assert torch.equal(Crops(photos, 32, seed=1).batch(5, 3), first)
    assert not torch.equal(crops.batch(6, 3), first)
    assert not torch.equal(Crops(photos, 32, seed=2).batch(5, 3), first)


def test_crops_of_full_scale_are_pieces_of_the_photo():
    photo = torch.arange(3 * 8 * 8, dtype=torch.uint8).view(3, 8, 8)
    batch = Crops([photo], 8, seed=0).batch(0, 8)
    pictures = [photo.float() / 255, photo.flip(-1).float() / 255]
    assert {min(range(2), key=lambda i: (x - pictures[i]).abs().max()) for x in batch} == {0, 1}
    assert all(min((x - picture).abs().max() for picture in pictures) == 0 for x in batch)


def test_photos_smaller_than_a_crop_are_refused(tmp_path: Path):
    photos = load_photos(write_photos(tmp_path / "photos", 1, (64, 40)))
    with pytest.raises(RequestError, match="the smallest photo has a side of 40 pixels; crops need 48"):
        Crops(photos, 48, 0)


@pytest.mark.parametrize(("most", "kept"), [(1000, 9), (9, 9), (8, 5), (4, 3), (1, 1)])
def test_a_video_is_its_frames_and_no_more_than_are_wanted(tmp_path: Path, monkeypatch, most: int, kept: int):
    codes = pattern(9, 32, 48)
    make_video(tmp_path / "clip.mkv", codes)
    monkeypatch.setattr("oneseed.train.photos.MOST_FRAMES", most)
    frames = load_photos(tmp_path / "clip.mkv")
    assert [frame.shape for frame in frames] == [(3, 32, 48)] * kept
    every = {9: 1, 5: 2, 3: 4, 1: 16}[kept]
    for frame, clean in zip(frames, frames_of(codes)[::every], strict=True):
        assert (frame / 255 - clean).abs().mean() < 0.02


def test_exposure_makes_crops_darker_and_brighter():
    photo = torch.full((3, 8, 8), 100, dtype=torch.uint8)
    batch = Crops([photo], 8, seed=0, exposure=0.5).batch(0, 64).mean((1, 2, 3)) * 255 / 100
    assert 0.6 < batch.min() < 0.7
    assert 1.5 < batch.max() < 1.66
    assert Crops([torch.full((3, 8, 8), 250, dtype=torch.uint8)], 8, 0, 0.5).batch(0, 64).max() <= 1
