"""Every choice of an encoding acts, and what cannot work is refused before the work."""

import av
import pytest
import torch
from tests.clip_inputs import frames_of, pattern

from oneseed.clip import coding
from oneseed.clip.clip import Clip
from oneseed.clip.coding import coding_of, rehearse
from oneseed.clip.containers import CONTAINERS
from oneseed.clip.encoders import DEFAULTS, ENCODERS
from oneseed.clip.encoding import Encoding
from oneseed.clip.output import check_output
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.errors import RequestError


@pytest.fixture
def clip():
    return Clip.steady(frames_of(pattern(6)), 25)


def inside(path):
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.codec.canonical_name, context.pix_fmt


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("out.mp4", {"codec": "libx265"}, ("hevc", "yuv420p")),
        ("out.mp4", {"codec": "libx265", "pixel_format": "yuv422p10le"}, ("hevc", "yuv422p10le")),
        ("out.mp4", {"pixel_format": "yuv444p"}, ("h264", "yuv444p")),
        ("out.mp4", {"codec": "libsvtav1"}, ("av1", "yuv420p")),
        ("out.mkv", {"codec": "libvpx-vp9", "pixel_format": "yuv444p"}, ("vp9", "yuv444p")),
        ("out.mov", {"codec": "prores_ks"}, ("prores", "yuv422p10le")),
        ("out.mkv", {"codec": "ffv1"}, ("ffv1", "bgr0")),
        ("out.mkv", {"codec": "ffv1", "pixel_format": "yuv420p10le"}, ("ffv1", "yuv420p10le")),
        ("out.avi", {"codec": "ffv1"}, ("ffv1", "bgr0")),
        ("out.avi", {"codec": "mpeg4"}, ("mpeg4", "yuv420p")),
        ("out.mkv", {"codec": "mjpeg", "pixel_format": "yuvj444p"}, ("mjpeg", "yuvj444p")),
    ],
)
def test_codec_and_pixel_format_are_what_is_in_the_file(tmp_path, clip, name, asked, found):
    check_output(tmp_path / name, encoding=Encoding(**asked), clip=clip)
    done = write(tmp_path / name, clip, encoding=Encoding(**asked))
    assert inside(done.path) == found
    assert done.codec == asked.get("codec", "libx264")
    again = read(done.path)
    assert (again.frames - clip.frames).abs().mean() < 6 / 255
    assert again.times == clip.times


@pytest.mark.parametrize(
    ("name", "codec"), [(".mp4", "libx264"), (".mkv", "libx265"), (".webm", None), (".mkv", "libsvtav1")]
)
def test_a_higher_rate_factor_makes_a_smaller_file_that_is_less_exact(tmp_path, clip, name, codec):
    sizes, errors = [], []
    for crf in (4, 45):
        path = write(tmp_path / f"{crf}{name}", clip, encoding=Encoding(codec=codec, crf=crf)).path
        sizes.append(path.stat().st_size)
        errors.append((read(path).frames - clip.frames).abs().mean())
    assert sizes[0] > sizes[1]
    assert errors[0] < errors[1]


def test_the_rate_factor_that_is_used_without_one_is_the_documented_one(tmp_path, clip):
    for name, codec in ((".mp4", "libx264"), (".webm", "libvpx-vp9")):
        usual, told = (
            write(tmp_path / f"{crf}{name}", clip, encoding=Encoding(crf=crf)).path.read_bytes()
            for crf in (None, ENCODERS[codec].crf[0])
        )
        assert usual == told


@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"])
def test_pixel_formats_keep_the_picture(tmp_path, clip, layout):
    path = write(tmp_path / "out.mp4", clip, encoding=Encoding(pixel_format=layout)).path
    again = read(path)
    assert again.bits == (16 if "10" in layout else 8)
    assert ((again.frames - clip.frames).mean(dim=(0, 2, 3)).abs() < 0.5 / 255).all()


@pytest.mark.parametrize("size", [(47, 63), (31, 33)])
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("out.mp4", {"codec": "libx265", "pixel_format": "yuv422p10le"}),
        ("out.mp4", {"pixel_format": "yuv444p"}),
        ("out.mov", {"codec": "prores_ks"}),
        ("out.mkv", {"codec": "libsvtav1"}),
    ],
)
def test_odd_sizes_come_back(tmp_path, size, name, asked):
    frames = frames_of(pattern(2, *size))
    path = write(tmp_path / name, Clip.steady(frames, 25), encoding=Encoding(**asked)).path
    assert read(path).frames.shape == frames.shape
    assert (read(path).frames - frames).abs().mean() < 4 / 255


WRONG = {
    "unknown encoder": (
        "out.mp4",
        {"codec": "libx256"},
        "no encoder of pictures called 'libx256'.* Did you mean 'libx26",
    ),
    "a decoder": ("out.mp4", {"codec": "libdav1d"}, "no encoder of pictures called 'libdav1d'"),
    "of sound": ("out.mp4", {"codec": "aac"}, "no encoder of pictures called 'aac'"),
    "of subtitles": ("out.mp4", {"codec": "mov_text"}, "no encoder of pictures called 'mov_text'"),
    "container": ("out.webm", {"codec": "libx264"}, r"libx264 in \.webm at 256x256 cannot be written here"),
    "container's header": ("out.mov", {"codec": "libsvtav1"}, r"libsvtav1 in \.mov at 256x256 cannot be written here"),
    "prores in mp4": ("out.mp4", {"codec": "prores_ks"}, r"prores_ks in \.mp4"),
    "pixel format": (
        "out.mp4",
        {"pixel_format": "yuv420p12le"},
        r"--pix-fmt yuv420p12le for libx264\..* Needed one of",
    ),
    "misspelt": ("out.mp4", {"pixel_format": "yuv444p10"}, "Did you mean 'yuv444p10le'?"),
    "of another layout": ("out.mp4", {"pixel_format": "nv12"}, "--pix-fmt nv12 for libx264"),
    "crf too high": ("out.mp4", {"crf": 52}, "--crf 52 for libx264; needed 0, the best, to 51. Try --crf 16."),
    "crf too low": ("out.webm", {"crf": -1}, "--crf -1 for libvpx-vp9; needed 0, the best, to 63. Try --crf 20."),
    "no crf": ("out.mov", {"codec": "prores_ks", "crf": 5}, "--crf 5 for prores_ks; needed one of libx264"),
    "crf of avi": ("out.avi", {"crf": 5}, "--crf 5 for mjpeg"),
    "a folder": ("out", {"codec": "libx264"}, r"--codec libx264 for .*out; needed \.mp4"),
    "a gif": ("out.gif", {"pixel_format": "yuv420p"}, "--pix-fmt yuv420p for .*"),
    "only grey": ("out.avi", {"codec": "pgm"}, "pgm takes gray gray16be; needed planar YUV or RGB"),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_cannot_work_is_refused_in_one_line_and_nothing_is_written(tmp_path, clip, why):
    name, asked, match = WRONG[why]
    encoding = Encoding(**asked)
    for refuse in (
        lambda: check_output(tmp_path / name, encoding=encoding),
        lambda: check_output(tmp_path / name, encoding=encoding, clip=clip),
        lambda: write(tmp_path / name, clip, encoding=encoding),
    ):
        with pytest.raises(RequestError, match=match) as caught:
            refuse()
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", [{"codec": "libx264"}, {"crf": 3}, {"pixel_format": "gbrp"}])
def test_lossless_leaves_no_choice(asked):
    with pytest.raises(RequestError, match="--lossless beside --"):
        Encoding(lossless=True, **asked)


@pytest.mark.skipif("h264_nvenc" not in av.codecs_available, reason="this FFmpeg was built without")
def test_an_encoder_of_a_gpu_that_is_not_there_is_one_line(tmp_path, clip):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(RequestError, match=r"h264_nvenc in \.mp4 at 256x256 cannot be written here") as caught:
        check_output(tmp_path / "out.mp4", encoding=Encoding(codec="h264_nvenc"), clip=clip)
    assert "\n" not in str(caught.value)


def test_an_ffmpeg_without_an_encoder_says_so(monkeypatch):
    monkeypatch.setattr(coding.av, "codecs_available", {"aac"})
    with pytest.raises(RequestError, match=r"no libx264 in this FFmpeg; needed for \.mp4"):
        coding_of(".mp4")


@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("alpha", [False, True])
def test_every_default_opens_in_its_container(ending, bits, alpha):
    coding = coding_of(ending, bits, alpha)
    assert coding.codec == DEFAULTS[ending][bits > 8]
    rehearse(coding, ending, 64, 48)


@pytest.mark.parametrize("codec", ENCODERS)
def test_the_same_clip_gives_the_same_bytes(tmp_path, codec):
    clip = Clip.steady(frames_of(pattern(20)), 25)
    name = "a.mkv"
    found = {
        write(tmp_path / name, clip, encoding=Encoding(codec=codec), overwrite=True).path.read_bytes() for _ in range(3)
    }
    assert len(found) == 1


@pytest.mark.parametrize("codec", ENCODERS)
def test_no_encoder_talks(tmp_path, clip, codec, capfd):
    check_output(tmp_path / "out.mkv", encoding=Encoding(codec=codec), clip=clip)
    write(tmp_path / "out.mkv", clip, encoding=Encoding(codec=codec))
    assert capfd.readouterr() == ("", "")
