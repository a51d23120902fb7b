"""From file to file: what is beside the picture, its depth and its alpha go along with a restoration."""

from pathlib import Path

import av
import pytest
import torch
from tests.clip_film import make_film, packets_of, ramp
from tests.clip_inputs import frames_of
from tests.moving_clip import moving_clip

from oneseed.clip.clip import Clip
from oneseed.clip.crop import Size, fit
from oneseed.clip.encoding import Encoding
from oneseed.clip.read import read
from oneseed.clip.reel import Reel
from oneseed.clip.write import write
from oneseed.errors import RequestError
from oneseed.pipeline import degrade_file
from oneseed.presets import preset
from oneseed.restore_file import restore_file
from oneseed.task import Task

DRAFT = preset("draft").but({"first_steps": 4, "rounds": 1, "round_steps": 2})


def restored(source: Path, target: str, *specs: str, encoding: Encoding = Encoding(), **others):  # noqa: B008
    task = Task(source=source, recipe=DRAFT, specs=specs or ("mask:missing=0.3",), **others)
    return restore_file(task, source.with_name(target), encoding=encoding, keep_work=True)


def clear(path: Path) -> Path:
    """A clip with alpha, a picture of it upside down."""
    x = moving_clip(4, 32)
    write(path, Clip(x, *steady(4), bits=16, alpha=x.flip(2)[:, :1]), encoding=Encoding(lossless=True))
    return path


def steady(count: int):
    clip = Clip.steady(torch.zeros(count, 3, 4, 4), 25)
    return clip.rate, clip.times


def test_alpha_grows_with_super_resolution_and_is_not_held(tmp_path):
    source = clear(tmp_path / "in.mkv")
    done = restored(source, "out.mp4", "downsample:factor=2")
    assert done.written.rest == ("alpha: in out.mp4.alpha.mkv",)
    assert isinstance(done.worker.clip.alpha, Reel)
    grown = torch.stack([fit(image, Size(64, 64, square=False)) for image in read(source).alpha[:]])
    assert (read(tmp_path / "out.mp4.alpha.mkv").frames[:, :1] - grown).abs().max() < 1e-4
    done = restored(source, "out", "downsample:factor=2")
    assert (read(done.written.path).alpha[:] - grown).abs().max() < 1e-4


def test_alpha_beside_that_is_there_stops_the_run_before_it_begins(tmp_path):
    (tmp_path / "out.mp4.alpha.mkv").write_text("mine")
    with pytest.raises(RequestError, match=r"out\.mp4\.alpha\.mkv exists"):
        restored(clear(tmp_path / "in.mkv"), "out.mp4")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["in.mkv", "out.mp4.alpha.mkv"]


def test_what_is_degraded_keeps_its_alpha_and_what_is_beside_it(tmp_path):
    degraded = degrade_file(clear(tmp_path / "in.mkv"), tmp_path / "measured.mkv", ["downsample:factor=2"])
    assert degraded.rest == ("alpha: kept",)
    assert read(degraded.path).alpha.shape == (4, 1, 16, 16)
    film = make_film(tmp_path / "film.mkv", ("subrip",), "aac")
    degraded = degrade_file(film, tmp_path / "film-measured.mkv", ["mask:missing=0.3"])
    for kind in ("audio", "subtitle"):
        assert packets_of(degraded.path, kind) == packets_of(film, kind)


@pytest.mark.parametrize(
    ("target", "encoding", "layout", "kept"),
    [
        ("out.mp4", Encoding(), "yuv420p", 16),
        ("out.mkv", Encoding(lossless=True), "bgr0", 8),
        ("out.mkv", Encoding(codec="ffv1", pixel_format="gbrp16le"), "gbrp16le", 16),
    ],
)
def test_the_encoding_is_used_and_frames_wait_in_a_depth_that_serves_it(tmp_path, target, encoding, layout, kept):
    write(tmp_path / "in.mkv", Clip.steady(moving_clip(4, 32), 25), encoding=Encoding(lossless=True))
    done = restored(tmp_path / "in.mkv", target, encoding=encoding)
    with av.open(str(done.written.path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == layout
    assert read(tmp_path / f"{target}.oneseed/frames").bits == kept


def test_a_fine_source_is_restored_in_10_bits(tmp_path):
    write(tmp_path / "in", Clip.steady(frames_of(ramp(10, 4, 32, 32)), 25, bits=16))
    done = restored(tmp_path / "in", "out.mp4")
    assert (done.written.codec, read(done.written.path).bits) == ("libx265", 16)


def test_interlaced_video_is_refused_before_anything_is_written(tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"x264-params": "tff=1"})
        stream.width = stream.height = 32
        out.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        out.mux(stream.encode(None))
    with pytest.raises(RequestError, match="is interlaced; needed whole frames"):
        restored(tmp_path / "in.mkv", "out.mkv")
    assert [item.name for item in tmp_path.iterdir()] == ["in.mkv"]
