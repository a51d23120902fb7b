"""Writing video: what is kept, to the frame, to the tick and to the byte."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from tests.clip_inputs import frames_of, make_video, pattern

from oneseed.clip.clip import Clip
from oneseed.clip.encoding import Encoding
from oneseed.clip.read import read
from oneseed.clip.write import write

NTSC = Fraction(30000, 1001)
VIDEO = [".mp4", ".mov", ".mkv", ".webm", ".avi"]


@pytest.fixture
def clip():
    return Clip.steady(frames_of(pattern(6)), NTSC)


def noisy(bits):
    kind = np.uint8 if bits == 8 else np.uint16
    return frames_of(np.random.default_rng(0).integers(0, 2**bits, (3, 21, 31, 3)).astype(kind))


@pytest.mark.parametrize("ending", VIDEO)
def test_rate_times_and_size_are_kept(tmp_path, clip, ending):
    again = read(write(tmp_path / f"out{ending}", clip).path)
    assert again.frames.shape == clip.frames.shape
    assert (again.rate, again.times, again.end) == (clip.rate, clip.times, clip.end)


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_variable_rate_is_kept(tmp_path, ending):
    times = tuple(Fraction(tick, 1000) for tick in (500, 540, 580, 700, 710, 1500))
    clip = Clip(frames_of(pattern(6)), Fraction(6), times, until=Fraction(17, 10))
    assert read(write(tmp_path / f"out{ending}", clip).path).times == times


@pytest.mark.parametrize("first", [0, 31])
def test_mp4_keeps_times_that_milliseconds_cannot(tmp_path, first):
    times = tuple(Fraction(tick, 90000) for tick in (first, 3003, 6007, 12013, 12014))
    clip = Clip(frames_of(pattern(5)), Fraction(30), times, until=Fraction(12020, 90000))
    again = read(write(tmp_path / "out.mp4", clip).path)
    assert (again.times, again.end) == (times, clip.end)


def test_a_cut_clip_starts_at_zero(tmp_path, clip):
    part = read(write(tmp_path / "whole.mp4", clip).path, "2:5")
    assert read(write(tmp_path / "part.mp4", part).path).times == clip.times[:3]


@pytest.mark.parametrize(
    ("ending", "size"), [(".mp4", (47, 63)), (".mkv", (47, 64)), (".mov", (48, 63)), (".mp4", (31, 33))]
)
def test_odd_sizes_come_back(tmp_path, ending, size):
    frames = frames_of(pattern(3, *size))
    path = write(tmp_path / f"out{ending}", Clip.steady(frames, 25)).path
    assert read(path).frames.shape == frames.shape
    assert (read(path).frames - frames).abs().mean() < 4 / 255
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.height % 2, stream.width % 2, stream.pix_fmt) == (0, 0, "yuv420p")


def test_a_note_of_another_size_is_not_believed(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        out.metadata["oneseed_picture"] = "31x21"
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 48
        out.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(1)[0], "rgb24")))
        out.mux(stream.encode(None))
    assert read(tmp_path / "a.mkv").frames.shape[2:] == (48, 64)


@pytest.mark.parametrize("bits", [8, 16])
def test_lossless_is_exact(tmp_path, bits):
    frames = noisy(bits)
    written = write(tmp_path / "out.mkv", Clip.steady(frames, NTSC, bits), encoding=Encoding(lossless=True))
    again = read(written.path)
    assert (written.codec, again.bits) == ("ffv1", bits)
    assert torch.equal(again.frames, frames)
    assert again.times == tuple(n / NTSC for n in range(3))


def test_bits_choose_the_depth(tmp_path):
    write(tmp_path / "out.mkv", Clip.steady(noisy(16), 25, bits=16), encoding=Encoding(lossless=True), bits=8)
    write(tmp_path / "out", Clip.steady(noisy(8), 25), bits=16)
    assert (read(tmp_path / "out.mkv").bits, read(tmp_path / "out").bits) == (8, 16)


def test_a_gif_moves_and_keeps_hundredths_of_a_second(tmp_path):
    clip = Clip(
        frames_of(pattern(4)), Fraction(10), tuple(Fraction(n, 100) for n in (0, 7, 20, 30)), until=Fraction(1, 2)
    )
    again = read(write(tmp_path / "out.gif", clip).path)
    assert (again.times, again.end) == (clip.times, clip.end)
    assert (again.frames - clip.frames).abs().mean() < 8 / 255


def test_a_turned_video_is_written_upright(tmp_path):
    turned = read(make_video(tmp_path / "in.mp4", pattern(2), turn=90))
    again = read(write(tmp_path / "out.mp4", turned).path)
    assert again.frames.shape == (2, 3, 64, 48)
    assert (again.frames - turned.frames).abs().mean() < 3 / 255


def test_the_shape_of_pixels_is_kept(tmp_path, clip):
    wide = Clip(clip.frames, clip.rate, clip.times, pixel_aspect=Fraction(16, 15))
    for ending in (".mp4", ".mkv", ".avi"):
        assert read(write(tmp_path / f"out{ending}", wide).path).pixel_aspect == Fraction(16, 15)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.avi", "a.gif"])
def test_the_same_clip_gives_the_same_bytes(tmp_path, name):
    clip = Clip.steady(frames_of(pattern(4 if name == "a.gif" else 25)), 25)
    found = {write(tmp_path / name, clip, overwrite=True).path.read_bytes() for _ in range(6)}
    assert len(found) == 1


def test_h264_is_asked_for_nothing_that_varies_between_runs_or_machines(tmp_path):
    content = write(tmp_path / "a.mp4", Clip.steady(frames_of(pattern(2, 192, 64)), 25)).path.read_bytes()
    for setting in (b" threads=1 ", b" mbtree=0 ", b" bframes=0 "):
        assert setting in content


def test_mp4_starts_playing_before_it_is_loaded(tmp_path, clip):
    content = write(tmp_path / "out.mp4", clip).path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
