"""Folders of images, read and written."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from tests.clip_inputs import frames_of, pattern

from oneseed.clip.clip import Clip
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.errors import RequestError


def noise(kind, shape=(20, 30, 3)):
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max + 1, shape).astype(kind)


def test_images_are_taken_in_natural_order_and_other_files_are_left(tmp_path):
    for number in (10, 2, 1):
        Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(tmp_path / f"img{number}.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / ".hidden.png").write_bytes(b"not a frame")
    (tmp_path / "degradation").mkdir()
    clip = read(tmp_path)
    assert (clip.frames[:, 0, 0, 0] * 255).tolist() == [1, 2, 10]
    assert (clip.rate, clip.times[1], clip.end, clip.source) == (25, Fraction(1, 25), Fraction(3, 25), tmp_path)


def test_a_folder_has_the_rate_it_is_given(tmp_path):
    write(tmp_path / "f", Clip.steady(frames_of(pattern(3)), 25))
    assert read(tmp_path / "f", rate=Fraction(30000, 1001)).times[2] == Fraction(2002, 30000)
    with pytest.raises(RequestError, match="more than 0"):
        read(tmp_path / "f", rate=0)


@pytest.mark.parametrize("ending", [".png", ".tif", ".tiff", ".PNG"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_colour_survives_exactly(tmp_path, ending, kind):
    codes = noise(kind)
    cv2.imwrite(str(tmp_path / f"a{ending}"), codes[..., ::-1])
    clip = read(tmp_path)
    assert clip.bits == np.iinfo(kind).bits
    assert torch.equal(clip.frames[0], frames_of(codes[None])[0])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_grey_becomes_rgb_and_alpha_is_dropped(tmp_path, kind):
    grey, colour = noise(kind, (20, 30)), noise(kind, (20, 30, 4))
    cv2.imwrite(str(tmp_path / "0.png"), grey)
    cv2.imwrite(str(tmp_path / "1.png"), colour[..., [2, 1, 0, 3]])
    frames = read(tmp_path).frames
    assert torch.equal(frames[0], frames_of(np.dstack([grey] * 3)[None])[0])
    assert torch.equal(frames[1], frames_of(colour[None, ..., :3])[0])


@pytest.mark.parametrize("ending", [".jpg", ".webp"])
def test_jpeg_and_webp_are_read(tmp_path, ending):
    Image.fromarray(pattern(1)[0]).save(tmp_path / f"a{ending}", quality=95)
    assert (read(tmp_path).frames - frames_of(pattern(1))).abs().mean() < 2 / 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_photo_held_otherwise_comes_upright(tmp_path, orientation, kind):
    codes = noise(np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(codes)
    upright = np.asarray(ImageOps.exif_transpose(_tagged(image, exif)))
    if kind == np.uint8:
        image.save(tmp_path / "a.png", exif=exif)
    else:
        chunk = _exif_chunk(exif)
        png = cv2.imencode(".png", codes[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
        (tmp_path / "a.png").write_bytes(png[:33] + chunk + png[33:])
    assert torch.equal(read(tmp_path).frames[0], frames_of(upright[None])[0])


def _tagged(image, exif):
    image = image.copy()
    image.getexif()[274] = exif[274]
    return image


def _exif_chunk(exif):
    import zlib

    body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\x00\x00")
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def test_one_image_is_a_clip_of_one_frame(tmp_path):
    Image.fromarray(pattern(1)[0]).save(tmp_path / "a.png")
    assert torch.equal(read(tmp_path / "a.png").frames, frames_of(pattern(1)))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(RequestError, match="holds no images"):
        read(tmp_path)


def test_mixed_sizes_are_refused_by_name(tmp_path):
    Image.fromarray(pattern(1, 8, 8)[0]).save(tmp_path / "0.png")
    Image.fromarray(pattern(1, 8, 16)[0]).save(tmp_path / "1.png")
    with pytest.raises(RequestError, match=r"1\.png is 16x8, 0\.png is 8x8"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("ending", "kind"), [(".png", np.uint8), (".png", np.uint16), (".jpg", np.uint8), (".webp", np.uint8)]
)
@pytest.mark.parametrize("share", [0, 50, 95])
def test_a_damaged_image_stops_the_reading(tmp_path, ending, kind, share):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}{ending}"), noise(kind))
    whole = (tmp_path / f"1{ending}").read_bytes()
    (tmp_path / f"1{ending}").write_bytes(whole[: len(whole) * share // 100])
    with pytest.raises(RequestError, match=rf"1\{ending} cannot be read"):
        read(tmp_path)
    assert len(read(tmp_path, ":1").frames) == 1


def test_images_of_32_bits_are_refused(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(RequestError, match="32 bits per colour; needed 8 or 16"):
        read(tmp_path)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_folder_comes_back_exactly(tmp_path, bits):
    frames = frames_of(noise(np.uint8 if bits == 8 else np.uint16, (3, 20, 30, 3)))
    written = write(tmp_path / "out", Clip.steady(frames, 25, bits))
    assert sorted(file.name for file in written.path.iterdir()) == ["00000.png", "00001.png", "00002.png"]
    again = read(written.path)
    assert again.bits == bits
    assert torch.equal(again.frames, frames)


def test_frames_are_clamped_and_rounded_at_the_writing(tmp_path):
    frames = torch.tensor([-0.5, 1.5, 100.4 / 255, 100.6 / 255]).view(4, 1, 1, 1).expand(4, 3, 4, 4)
    write(tmp_path / "out", Clip.steady(frames.contiguous(), 25))
    assert (read(tmp_path / "out").frames[:, 0, 0, 0] * 255).round().tolist() == [0, 255, 100, 101]
