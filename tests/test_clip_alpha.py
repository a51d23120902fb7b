"""Alpha is handed on as it was: within the output where it can be, beside it where not."""

from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
import torch
from tests.clip_inputs import pattern

from oneseed.clip.alpha import alpha_beside
from oneseed.clip.clip import Clip
from oneseed.clip.crop import Size, fit
from oneseed.clip.encoding import Encoding
from oneseed.clip.output import check_output
from oneseed.clip.read import read, survey
from oneseed.clip.reel import Reel
from oneseed.clip.write import write
from oneseed.errors import RequestError

COUNT, HEIGHT, WIDTH = 3, 48, 64


def matte() -> np.ndarray:
    """A disc with a soft edge that moves: 16-bit codes `N H W`."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    away = [np.hypot(rows - 24, columns - 24 - 4 * n) for n in range(COUNT)]
    return (np.clip((20 - np.stack(away)) / 12, 0, 1) * 65535).round().astype(np.uint16)


def levels(bits: int = 16) -> torch.Tensor:
    """The same as levels, as so many bits have them."""
    codes = (matte() >> (16 - bits)).astype(np.float32) / (2**bits - 1)
    return torch.from_numpy(codes)[:, None]


def make_clear(path, codec, pixel_format, options=None, turn=0, stamps=range(COUNT)):
    """A video of `pattern` with `matte` as its alpha."""
    colours = pattern(COUNT, HEIGHT, WIDTH).astype(np.uint16) * 257
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
        stream.codec_context.time_base = Fraction(1, 25)
        if path.suffix == ".webm":
            stream.metadata["alpha_mode"] = "1"
        if turn:
            stream.set_display_rotation(turn)
        for picture, alpha, stamp in zip(colours, matte(), stamps, strict=True):
            frame = av.VideoFrame.from_ndarray(np.dstack([picture, alpha]), "rgba64le")
            frame = frame.reformat(format=pixel_format, threads=1)
            frame.pts, frame.time_base = stamp, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


SOURCES = {
    "vp9": ("in.webm", "libvpx-vp9", "yuva420p", 8, 6 / 255),
    "prores": ("in.mov", "prores_ks", "yuva444p10le", 12, 2 / 1023),
    "ffv1-gbrap": ("in.mkv", "ffv1", "gbrap16le", 16, 1e-6),
    "ffv1-bgra": ("in.mkv", "ffv1", "bgra", 8, 1.5 / 255),
    "ffv1-yuva": ("in.mkv", "ffv1", "yuva422p10le", 10, 1.1 / 1023),
    "png": ("in.mov", "png", "rgba", 8, 1.5 / 255),
    "png-16": ("in.mov", "png", "rgba64be", 16, 1e-6),
}


def clear(folder, kind="ffv1-gbrap", **others):
    name, codec, pixel_format, *_ = SOURCES[kind]
    return make_clear(folder / name, codec, pixel_format, **others)


@pytest.mark.parametrize("kind", SOURCES)
def test_alpha_is_read_and_left_on_disk(tmp_path, kind):
    clip = read(clear(tmp_path, kind))
    assert isinstance(clip.alpha, Reel)
    assert clip.alpha.shape == (COUNT, 1, HEIGHT, WIDTH)
    assert (clip.alpha[:] - levels()).abs().max() < SOURCES[kind][4] + 1e-6
    assert torch.equal(clip.alpha[1:2], clip.alpha[:][1:2])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_alpha_of_images_is_read_and_written(tmp_path, kind):
    bits = np.iinfo(kind).bits
    (tmp_path / "in").mkdir()
    for number, (picture, alpha) in enumerate(zip(pattern(COUNT, HEIGHT, WIDTH), matte(), strict=True)):
        codes = np.dstack([picture.astype(np.uint16) * 257, alpha]) >> (16 - bits)
        cv2.imwrite(str(tmp_path / f"in/{number}.png"), codes.astype(kind))
    clip = read(tmp_path / "in")
    assert torch.equal(clip.alpha[:], levels(bits))
    again = read(write(tmp_path / "out", clip).path)
    assert torch.equal(again.alpha[:], clip.alpha[:])
    assert torch.equal(again.frames, clip.frames)


def test_grey_images_with_alpha_and_images_without_stand_in_one_folder(tmp_path):
    from PIL import Image

    grey = np.dstack([matte()[0] >> 9, matte()[0] >> 8]).astype(np.uint8)
    Image.fromarray(grey, "LA").save(tmp_path / "0.png")
    Image.fromarray(pattern(1, HEIGHT, WIDTH)[0]).save(tmp_path / "1.png")
    alpha = read(tmp_path).alpha[:]
    assert torch.equal(alpha[0], levels(8)[0])
    assert (alpha[1] == 1).all()


def test_alpha_that_hides_nothing_is_none(tmp_path):
    opaque = np.full((HEIGHT, WIDTH), 255, np.uint8)
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in/0.png"), np.dstack([pattern(1, HEIGHT, WIDTH)[0], opaque]))
    assert read(tmp_path / "in").alpha is None
    write(tmp_path / "out.gif", Clip.steady(torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), 25))
    assert read(tmp_path / "out.gif").alpha is None  # FFmpeg gives gifs an alpha whether or not they have one


INSIDE = {
    "lossless": ("ffv1-gbrap", "out.mkv", Encoding(lossless=True), "gbrap16le", 1e-6),
    "lossless 8 bits": ("ffv1-bgra", "out.mkv", Encoding(lossless=True), "bgra", 1e-6),
    "prores": ("prores", "out.mov", Encoding(codec="prores_ks"), "yuva444p12le", 3 / 1023),
    "vp9": ("vp9", "out.webm", Encoding(), "yuva420p", 8 / 255),
    "ffv1 in yuv": (
        "ffv1-yuva",
        "out.mkv",
        Encoding(codec="ffv1", pixel_format="yuva444p10le"),
        "yuva444p10le",
        1 / 1023,
    ),
}


@pytest.mark.parametrize("why", INSIDE)
def test_alpha_is_put_back_where_it_can_be_held(tmp_path, why):
    kind, name, encoding, layout, near = INSIDE[why]
    clip = read(clear(tmp_path, kind))
    done = write(tmp_path / name, clip, encoding=encoding)
    again = read(done.path)
    assert (again.alpha[:] - clip.alpha[:]).abs().max() < near
    assert (again.frames - clip.frames).abs().mean() < 3 / 255
    assert "alpha: kept" in done.rest
    assert not alpha_beside(done.path).exists()
    with av.open(str(done.path)) as container:
        if why != "vp9":  # whose alpha FFmpeg's own decoder does not see
            assert container.streams.video[0].codec_context.pix_fmt == layout


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.avi", "out.gif"])
@pytest.mark.parametrize(("kind", "layout", "bits"), [("ffv1-gbrap", "gray16le", 16), ("ffv1-bgra", "gray", 8)])
def test_alpha_stands_beside_what_cannot_hold_it(tmp_path, name, kind, layout, bits):
    clip = read(clear(tmp_path, kind))
    done = write(tmp_path / name, clip)
    beside = tmp_path / f"{name}.alpha.mkv"
    assert f"alpha: in {name}.alpha.mkv" in done.report
    again = read(beside)
    assert (again.bits, again.times, again.alpha) == (bits, clip.times, None)
    assert torch.equal(again.frames[:, :1], clip.alpha[:])
    with av.open(str(beside)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == layout
        assert len(container.streams) == 1


def test_fine_alpha_stands_beside_a_webm_that_knows_8_bits_of_it(tmp_path):
    done = write(tmp_path / "out.webm", read(clear(tmp_path)))
    assert (done.codec, done.rest) == ("libsvtav1", ("alpha: in out.webm.alpha.mkv",))


def test_alpha_beside_keeps_uneven_times(tmp_path):
    clip = read(clear(tmp_path, "ffv1-gbrap", stamps=(0, 3, 4)))
    write(tmp_path / "out.mp4", clip)
    assert read(tmp_path / "out.mp4.alpha.mkv").times == clip.times == (0, Fraction(3, 25), Fraction(4, 25))


def test_alpha_follows_the_span_and_the_size(tmp_path):
    source = clear(tmp_path)
    clip = read(source, "1:3", "24")
    square = levels()[1:3, :, :, 8:56]
    wanted = torch.stack([fit(image, Size(24, 24, square=False)) for image in square])
    assert torch.allclose(clip.alpha[:], wanted, atol=1e-6)
    assert survey(source, "1:3", "24").alpha.shape == (2, 1, 24, 24)


@pytest.mark.parametrize("name", ["out.mkv", "out"])
def test_alpha_is_resized_with_what_was_restored_larger(tmp_path, name):
    clip = read(clear(tmp_path))
    larger = clip.with_frames(torch.rand(COUNT, 3, 96, 128, generator=torch.Generator().manual_seed(0)))
    write(tmp_path / name, larger, encoding=Encoding(lossless=name == "out.mkv"))
    wanted = torch.stack([fit(image, Size(128, 96, square=False)) for image in levels()])
    assert (read(tmp_path / name).alpha[:] - wanted).abs().max() < 1e-5


def test_alpha_turns_with_the_picture(tmp_path):
    straight = read(clear(tmp_path, "png")).alpha[:]
    (tmp_path / "turned").mkdir()
    turned = read(clear(tmp_path / "turned", "png", turn=90)).alpha[:]
    assert torch.equal(turned, torch.rot90(straight, 1, dims=(2, 3)))


def test_alpha_beside_is_replaced_only_when_asked_and_refused_before_the_work(tmp_path):
    clip = survey(clear(tmp_path))
    beside = tmp_path / "out.mp4.alpha.mkv"
    beside.write_text("mine")
    for refuse in (
        lambda: check_output(tmp_path / "out.mp4", clip=clip),
        lambda: write(tmp_path / "out.mp4", clip),
    ):
        with pytest.raises(RequestError, match=r"out\.mp4\.alpha\.mkv exists"):
            refuse()
    assert not (tmp_path / "out.mp4").exists()
    write(tmp_path / "out.mp4", clip, overwrite=True)
    assert len(read(beside).frames) == COUNT


def test_what_fails_midway_leaves_neither_file(tmp_path, monkeypatch):
    clip = read(clear(tmp_path))

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("oneseed.clip.write.as_grey", stop)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out.mp4", clip)
    assert [item.name for item in tmp_path.iterdir()] == ["in.mkv"]


def test_a_clip_refuses_alpha_of_another_length():
    clip = Clip.steady(torch.zeros(2, 3, 4, 4), 25)
    with pytest.raises(ValueError, match="2 frames but 3 of alpha"):
        replace(clip, alpha=torch.ones(3, 1, 4, 4))


def test_alpha_in_memory_is_written_too(tmp_path):
    clip = replace(Clip.steady(torch.zeros(COUNT, 3, HEIGHT, WIDTH), 25, bits=16), alpha=levels())
    assert torch.equal(read(write(tmp_path / "out", clip).path).alpha[:], levels())
    frames = read(write(tmp_path / "out.mkv", clip).path.with_name("out.mkv.alpha.mkv")).frames
    assert torch.equal(frames[:, :1], levels())
