"""What is finer than 8 bits is written so, with the tags of its source, wherever the container can hold it."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from tests.clip_film import ramp
from tests.clip_inputs import frames_of, make_video, pattern

from oneseed.clip.clip import Clip
from oneseed.clip.coded import coded
from oneseed.clip.colour import LUMA, to_rgb, to_yuv
from oneseed.clip.light import Light
from oneseed.clip.pixels import image_of
from oneseed.clip.read import read
from oneseed.clip.write import write

FINE = {  # ending: codec, pixel format, profile
    ".mp4": ("libx265", "yuv420p10le", "Main 10"),
    ".mov": ("libx265", "yuv420p10le", "Main 10"),
    ".mkv": ("libx265", "yuv420p10le", "Main 10"),
    ".webm": ("libsvtav1", "yuv420p10le", "Main"),
}
COARSE = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9"}
SCREEN = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329, 0.005, 1000.0)


def fine(count=6, height=48, width=64, **others):
    """A clip of a soft 10-bit picture."""
    codes = pattern(count, height, width).astype(np.uint16) * 257 + np.arange(width, dtype=np.uint16)[:, None] * 3
    return replace(Clip.steady(frames_of(codes), 25, bits=16), **others)


@pytest.mark.parametrize("ending", FINE)
def test_a_fine_clip_is_written_in_10_bits(tmp_path, ending):
    done = write(tmp_path / f"out{ending}", fine())
    with av.open(str(done.path)) as container:
        context = container.streams.video[0].codec_context
        assert (done.codec, context.pix_fmt, context.profile) == FINE[ending]
        assert context.codec_tag == ("hvc1" if ending in (".mp4", ".mov") else "\0\0\0\0")
    again = read(done.path)
    assert again.bits == 16
    assert (again.frames - fine().frames).abs().mean() < 1 / 255


@pytest.mark.parametrize("ending", FINE)
def test_8_bits_are_written_as_ever(tmp_path, ending):
    plain, told = Clip.steady(frames_of(pattern(2)), 25), fine(2)
    for name, clip, bits in (("plain", plain, None), ("told", told, 8)):
        done = write(tmp_path / f"{name}{ending}", clip, bits=bits)
        assert done.codec == COARSE[ending]
        assert read(done.path).bits == 8


@pytest.mark.parametrize("ending", FINE)
def test_steps_that_8_bits_do_not_have_survive(tmp_path, ending):
    """64 columns of a 10-bit ramp: 16 levels of 8 bits, and four times as many of 10."""
    clip = Clip.steady(frames_of(ramp(10)), 25, bits=16)
    middle = read(write(tmp_path / f"out{ending}", clip).path).frames[0, 1, 8]
    assert (middle - clip.frames[0, 1, 8]).abs().max() < 1.5 / 1023
    coarse = read(write(tmp_path / f"coarse{ending}", clip, bits=8).path).frames[0, 1, 8]
    assert len(coarse.unique()) < 24
    assert len(middle.unique()) > 36


def test_16_bit_images_and_fine_video_end_in_10_bits(tmp_path):
    clip = Clip.steady(frames_of(ramp(10)), 25, bits=16)
    write(tmp_path / "frames", clip)
    make_video(tmp_path / "in.mkv", ramp(10), codec="ffv1", pixel_format="yuv444p12le")
    for source in ("frames", "in.mkv"):
        again = read(write(tmp_path / f"{source}.mp4", read(tmp_path / source)).path)
        assert again.bits == 16
        assert (again.frames - clip.frames)[:, :, 4:-4].abs().max() < 2 / 1023


@pytest.mark.parametrize("ending", FINE)
def test_the_same_fine_clip_gives_the_same_bytes(tmp_path, ending):
    clip = fine(20, light=Light(SCREEN, (1000, 400)))
    found = {write(tmp_path / f"a{ending}", clip, overwrite=True).path.read_bytes() for _ in range(4)}
    assert len(found) == 1


@pytest.mark.parametrize("ending", FINE)
@pytest.mark.parametrize("size", [(48, 64), (47, 63), (31, 33)])
def test_odd_sizes_come_back_in_10_bits(tmp_path, ending, size):
    clip = fine(2, *size)
    again = read(write(tmp_path / f"out{ending}", clip).path)
    assert again.frames.shape == clip.frames.shape
    assert (again.frames - clip.frames).abs().mean() < 2 / 255


@pytest.mark.parametrize("ending", FINE)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_variable_rate_is_kept_packet_by_packet(tmp_path, ending, bits):
    """Exactly in .mp4 and .mov, to the millisecond in .mkv and .webm."""
    times = tuple(Fraction(tick, 90000) for tick in (31, 3003, 6007, 12013, 12014, 12999))
    clip = replace(fine(), rate=Fraction(30), times=times, until=Fraction(14000, 90000), bits=bits)
    path = write(tmp_path / f"out{ending}", clip).path
    exact = ending in (".mp4", ".mov")
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        found = sorted(packet.pts * packet.time_base for packet in packets)
        lengths = [packet.duration * packet.time_base for packet in packets]
    if exact:
        assert found == list(times)
        assert lengths == [late - early for early, late in zip(times, (*times[1:], clip.end), strict=True)]
        assert (read(path).times, read(path).end) == (times, clip.end)
    else:
        assert all(abs(a - b) <= Fraction(1, 1000) for a, b in zip(found, times, strict=True))


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("primaries", "transfer", "matrix", "full"), [(9, 16, 9, False), (5, 6, 5, True)])
def test_colour_tags_of_the_source_are_written_and_meant(tmp_path, ending, bits, primaries, transfer, matrix, full):
    told = {"primaries": primaries, "transfer": transfer, "matrix": matrix, "full": full}
    clip = replace(fine(2), bits=bits, **told)
    path = write(tmp_path / f"out{ending}", clip).path
    again = read(path)
    assert {name: getattr(again, name) for name in told} == told
    assert ((again.frames - clip.frames).mean(dim=(0, 2, 3)).abs() < 0.6 / 255).all()
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        tags = context.color_primaries, context.color_trc, context.colorspace, context.color_range
    assert tags == (primaries, transfer, matrix, 2 if full else 1)


def test_what_says_nothing_of_its_colours_is_written_as_bt709(tmp_path):
    make_video(tmp_path / "plain.mkv", pattern(2))
    make_video(tmp_path / "rgb.mkv", pattern(2), codec="ffv1", pixel_format="bgr0")
    write(tmp_path / "frames", read(tmp_path / "rgb.mkv"))
    for source in ("plain.mkv", "rgb.mkv", "frames"):
        clip = read(tmp_path / source, size="32")
        assert (clip.primaries, clip.transfer, clip.matrix, clip.full, clip.light) == (1, 1, 1, False, None)


@pytest.mark.parametrize("ending", FINE)
def test_the_light_of_hdr_is_handed_on(tmp_path, ending):
    clip = fine(2, primaries=9, transfer=16, matrix=9, light=Light(SCREEN, (1000, 400)))
    again = read(write(tmp_path / f"out{ending}", clip).path)
    assert again.light is not None
    assert again.light.level == (1000, 400)
    assert again.light.screen == pytest.approx(SCREEN, rel=0.02)
    assert read(write(tmp_path / f"again{ending}", again).path).light == again.light
    level = fine(2, light=Light(level=(300, 90)))
    assert read(write(tmp_path / f"level{ending}", level).path).light == Light(level=(300, 90))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", sorted(LUMA))
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_flat_colours_come_back_within_a_level_of_any_depth(matrix, full, bits):
    for colour in ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.9, 0.1, 0.2], [0.2, 0.5, 0.8]):
        image = torch.tensor(colour).view(3, 1, 1).expand(3, 6, 8).contiguous()
        back = to_rgb(to_yuv(image, matrix, full, bits), bits, matrix, full)
        assert (back - image).abs().max() < 2.5 / (2**bits - 1) + 1e-6


@pytest.mark.parametrize(("across", "down", "shape"), [(2, 2, (3, 4)), (2, 1, (5, 4)), (1, 1, (5, 7))])
def test_colour_is_as_coarse_as_asked(across, down, shape):
    planes = to_yuv(torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0)), 1, False, 10, across, down)
    assert [tuple(plane.shape) for plane in planes] == [(5, 7), shape, shape]


YUV = (
    "yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv444p12le",
    "yuv444p16le", "p010le", "yuva420p", "yuva444p10le", "yuva444p16le",
)  # fmt: skip
RGB = ("bgr0", "bgra", "gbrp", "gbrap", "gbrp10le", "gbrap12le", "gbrp16le")


@pytest.mark.parametrize("layout", [*YUV, *RGB])
def test_every_layout_that_is_written_reads_as_the_same_picture(layout):
    image = torch.tensor([0.9, 0.1, 0.2]).view(3, 1, 1) * torch.linspace(0.5, 1, 64).expand(1, 48, 64)
    back = image_of(coded(image, None, layout, 1, layout.startswith("yuvj")), 64, 48)
    step = 1 / 1023 if any(bits in layout for bits in ("10", "12", "16")) else 1 / 255
    assert (back - image)[:, :, 2:-2].abs().max() < (0.6 * step if layout in RGB else 2.5 * step)
