"""Reading video: which frames, how large, when shown, which way up."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from tests.clip_inputs import frames_of, make_video, pattern
from torch.nn.functional import avg_pool2d

from oneseed.clip.clip import Clip
from oneseed.clip.crop import fit, parse_size
from oneseed.clip.read import read
from oneseed.clip.span import parse_span
from oneseed.errors import RequestError

NTSC = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("clip") / "ten.mp4", pattern(10), NTSC)


def test_a_video_is_its_frames_its_rate_and_its_times(video):
    clip = read(video)
    assert clip.frames.shape == (10, 3, 48, 64)
    assert clip.frames.dtype == torch.float32
    assert (clip.frames - frames_of(pattern(10))).abs().mean() < 3 / 255
    assert clip.rate == NTSC
    assert clip.times == tuple(n / NTSC for n in range(10))
    assert (clip.end, clip.bits, clip.source, clip.cut) == (10 / NTSC, 8, video, False)


@pytest.mark.parametrize("text", ["2:5", "2:", ":3", ":", "-4:", ":-2", "-4:-1", " 1 : 9 "])
def test_frames_are_sliced_as_python_slices(video, text):
    first, last = (int(side) if side.strip() else None for side in text.split(":"))
    whole, part = read(video), read(video, text)
    assert torch.equal(part.frames, whole.frames[first:last])
    assert part.times == whole.times[first:last]
    assert part.cut == (text != ":")


@pytest.mark.parametrize("text", ["3:3", "5:2", "0:11", "10:", "12:14", "-11:", "4:-6", "-2:-5", "-1:0"])
def test_frames_beyond_the_clip_or_none_at_all_are_refused(video, text):
    with pytest.raises(RequestError, match=r"--frames .*Try --frames \d+:\d+"):
        read(video, text)


@pytest.mark.parametrize("text", ["5", "a:b", "1:2:3", "1.5:3", "", "--1:2"])
def test_frames_of_another_form_are_refused(text):
    with pytest.raises(RequestError, match="needed A:B"):
        parse_span(text, lambda: 10)


@pytest.mark.parametrize("text", ["0", "12x", "x12", "-5", "12.5", "1x2x3", "", "20000", "64x0"])
def test_sizes_of_another_form_are_refused(text):
    with pytest.raises(RequestError, match="needed S or WxH"):
        parse_size(text)


def test_a_single_size_is_the_centre_square(video):
    whole, square = read(video), read(video, size="48")
    assert torch.equal(square.frames, whole.frames[..., 8:56])
    assert read(video, size="20").frames.shape == (10, 3, 20, 20)


def test_two_sizes_are_width_and_height(video):
    assert read(video, size="40x30").frames.shape == (10, 3, 30, 40)
    assert torch.equal(read(video, size="64x48").frames, read(video).frames)


def test_shrinking_averages_what_it_drops():
    noise = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    small = fit(noise, parse_size("8"))
    assert small.std() < 0.1
    assert (small - avg_pool2d(noise, 8)).abs().mean() < 0.03
    edges = (torch.arange(64) % 16 < 8).float().expand(3, 64, 64)
    assert 0 <= fit(edges, parse_size("96")).min() < fit(edges, parse_size("96")).max() <= 1


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_variable_rate_is_kept(tmp_path, ending):
    ticks = [500, 540, 580, 700, 710, 1500]
    clip = read(make_video(tmp_path / f"v.{ending}", pattern(6), ticks=ticks))
    assert clip.times == tuple(Fraction(tick, 1000) for tick in ticks)
    assert read(tmp_path / f"v.{ending}", "2:4").times == (Fraction(29, 50), Fraction(7, 10))


def test_milliseconds_of_matroska_become_exact_times_again(tmp_path):
    clip = read(make_video(tmp_path / "m.mkv", pattern(10), NTSC), "3:")
    assert clip.times == tuple(n / NTSC for n in range(3, 10))
    assert clip.end == 10 / NTSC


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_a_turned_video_comes_upright(tmp_path, turn):
    straight = read(make_video(tmp_path / "a.mp4", pattern(2))).frames
    turned = read(make_video(tmp_path / "b.mp4", pattern(2), turn=turn)).frames
    assert torch.equal(turned, torch.rot90(straight, turn // 90, dims=(2, 3)))


@pytest.mark.parametrize(("turn", "aspect"), [(0, Fraction(16, 15)), (90, Fraction(15, 16)), (180, Fraction(16, 15))])
def test_pixels_that_are_not_square_stay_so_unless_a_size_says_otherwise(tmp_path, turn, aspect):
    with av.open(str(tmp_path / "pal.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.sample_aspect_ratio = 64, 48, Fraction(16, 15)
        stream.set_display_rotation(turn)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(1)[0], "rgb24")))
        out.mux(stream.encode(None))
    assert read(tmp_path / "pal.mp4").pixel_aspect == aspect
    assert read(tmp_path / "pal.mp4", size="64x45").pixel_aspect == 1


@pytest.mark.parametrize(("codec", "pixel_format"), [("ffv1", "bgr0"), ("ffv1", "bgra"), ("ffv1", "gbrp16le")])
def test_rgb_video_is_read_exactly(tmp_path, codec, pixel_format):
    deep = pixel_format == "gbrp16le"
    codes = pattern(3).astype(np.uint16) * 256 if deep else pattern(3)
    frame = av.VideoFrame.from_ndarray(codes[0], "rgb48le" if deep else "rgb24").reformat(
        format=pixel_format, threads=1
    )
    exact = frame.reformat(format="rgb48le" if deep else "rgb24", threads=1).to_ndarray()
    clip = read(make_video(tmp_path / "x.mkv", codes, codec=codec, pixel_format=pixel_format))
    assert clip.bits == (16 if deep else 8)
    assert torch.equal(clip.frames[0], frames_of(exact[None])[0])


def test_a_clip_refuses_what_is_no_clip():
    frames = torch.zeros(2, 3, 4, 4)
    clip = Clip.steady(frames, 25)
    assert clip.with_frames(torch.zeros(2, 3, 8, 8)).times == clip.times
    with pytest.raises(ValueError, match="3 frames but 2 time stamps"):
        clip.with_frames(torch.zeros(3, 3, 4, 4))
    with pytest.raises(ValueError, match="three colours"):
        Clip.steady(torch.zeros(2, 1, 4, 4), 25)
    with pytest.raises(ValueError, match="do not rise"):
        Clip(frames, Fraction(25), (Fraction(1), Fraction(1)))
