"""Colours survive the way to YUV and back, whatever the matrix, the range and the siting."""

from dataclasses import replace

import av
import numpy as np
import pytest
import torch
from tests.clip_inputs import frames_of, make_video, pattern

from oneseed.clip.clip import Clip
from oneseed.clip.colour import LUMA, guess_matrix, to_rgb, to_yuv
from oneseed.clip.pixels import image_of
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.errors import RequestError


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", sorted(LUMA))
def test_flat_colours_come_back_within_one_level(matrix, full):
    for colour in ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.9, 0.1, 0.2], [0.2, 0.5, 0.8]):
        image = torch.tensor(colour).view(3, 1, 1).expand(3, 6, 8).contiguous()
        back = to_rgb(to_yuv(image, matrix, full), 8, matrix, full)
        assert (back - image).abs().max() < 2.5 / 255


def test_codes_of_the_standard_decode_exactly():
    planes = [torch.full((2, 2), code) for code in (100, 110, 170)]  # BT.709, limited range, worked out by hand
    assert torch.allclose(to_rgb(planes, 8, 1, False)[:, 0, 0], torch.tensor([0.67884, 0.31083, 0.23445]), atol=1e-4)
    white = [torch.full((2, 2), code) for code in (940, 512, 512)]
    assert torch.allclose(to_rgb(white, 10, 9, False), torch.ones(3, 2, 2))


def test_a_chroma_ramp_comes_back_where_it_was():
    ramp = torch.linspace(0.2, 0.8, 64).expand(32, 64)
    image = torch.stack([ramp, torch.full_like(ramp, 0.5), 1 - ramp])
    for full in (False, True):
        back = to_rgb(to_yuv(image, 1, full), 8, 1, full)
        assert (back - image)[:, :, 2:-2].mean(dim=(1, 2)).abs().max() < 0.3 / 255


def test_odd_sides_are_kept():
    image = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0))
    planes = to_yuv(image, 1, False)
    assert [tuple(plane.shape) for plane in planes] == [(5, 7), (3, 4), (3, 4)]
    assert to_rgb(planes, 8, 1, False).shape == (3, 5, 7)


def test_untagged_video_is_taken_as_players_take_it():
    assert guess_matrix(1280, 720) == 1
    assert guess_matrix(720, 576) == 6


def test_an_unknown_matrix_is_refused():
    with pytest.raises(RequestError, match="matrix number 14"):
        to_rgb([torch.zeros(2, 2)] * 3, 8, 14, False)


@pytest.mark.parametrize("layout", ["nv12", "yuv444p", "yuyv422", "yuv411p", "yuv440p", "p010le", "yuva420p"])
@pytest.mark.parametrize("full", [False, True])
def test_every_layout_of_the_same_grey_is_that_grey(layout, full):
    deep = layout == "p010le"
    frame = av.VideoFrame(8, 8, layout)
    grey, neutral = (100 << 8, 128 << 8) if deep else (100, 128)
    for index, plane in enumerate(frame.planes):
        codes = np.frombuffer(plane, np.uint16 if deep else np.uint8)
        codes[:] = grey if index == 0 else neutral
        if layout == "yuyv422":
            codes[1::2] = neutral
    frame.color_range, frame.colorspace = 2 if full else 1, 1
    whole = (100 << 2) / 1023 if deep else 100 / 255
    assert torch.allclose(image_of(frame, 8, 8), torch.tensor(whole if full else 84 / 219), atol=1e-5)


@pytest.mark.parametrize("layout", ["yuv444p10be", "yuv420p12be", "gray10be"])
@pytest.mark.parametrize("full", [False, True])
def test_fine_codes_of_another_byte_order_are_the_same_codes(layout, full):
    frame, bits = av.VideoFrame(8, 8, layout), 12 if "12" in layout else 10
    for index, plane in enumerate(frame.planes):
        np.frombuffer(plane, ">u2")[:] = 700 << (bits - 10) if index == 0 else 1 << (bits - 1)
    frame.color_range, frame.colorspace = 2 if full else 1, 1
    grey = (700 << (bits - 10)) / (2**bits - 1) if full else (700 - 64) / (940 - 64)
    assert torch.allclose(image_of(frame, 8, 8), torch.tensor(grey), atol=1e-5)


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm", ".avi"])
@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_a_gradient_keeps_its_colours_in_a_file(tmp_path, ending, size):
    frames = frames_of(pattern(4, *size))
    again = read(write(tmp_path / f"out{ending}", Clip.steady(frames, 25)).path).frames
    assert again.shape == frames.shape
    assert ((again - frames).mean(dim=(0, 2, 3)).abs() < 0.5 / 255).all()
    assert (again - frames).abs().mean() < 2 / 255


def test_colours_do_not_drift_over_three_generations(tmp_path):
    frames = frames_of(pattern(3, 48, 64))
    clip = Clip.steady(frames, 25)
    for generation in range(3):
        clip = read(write(tmp_path / f"{generation}.mp4", clip).path)
    assert ((clip.frames - frames).mean(dim=(0, 2, 3)).abs() < 1 / 255).all()


def test_what_is_written_is_tagged(tmp_path):
    write(tmp_path / "out.mp4", Clip.steady(frames_of(pattern(2)), 25))
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        tags = context.colorspace, context.color_primaries, context.color_trc, context.color_range
    assert tags == (1, 1, 1, 1)


def test_primaries_and_transfer_of_the_source_are_handed_on(tmp_path):
    clip = replace(Clip.steady(frames_of(pattern(2)), 25), primaries=9, transfer=16)
    again = read(write(tmp_path / "out.mp4", clip).path)
    assert (again.primaries, again.transfer) == (9, 16)


def test_fine_video_is_read_without_passing_8_bits(tmp_path):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)
    codes = np.broadcast_to(ramp[None, None, :, None], (2, 16, 64, 3)).copy()
    path = make_video(tmp_path / "fine.mkv", codes, codec="ffv1", pixel_format="yuv444p10le")
    clip = read(path)
    assert clip.bits == 16
    assert len(clip.frames[0, 1, 8].unique()) == 64
    assert not torch.allclose(clip.frames * 255, (clip.frames * 255).round(), atol=0.05)
    assert (clip.frames - frames_of(codes)).abs().max() < 5 / 1023
