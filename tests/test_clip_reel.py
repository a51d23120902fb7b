"""Frames left on disk are those that reading gives, wherever they begin."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch

from oneseed.clip import file_reel
from oneseed.clip.clip import Clip
from oneseed.clip.read import read, survey
from oneseed.clip.reel import Reel
from oneseed.clip.video import Video
from oneseed.clip.write import write
from oneseed.errors import RequestError

PLACES = ("a.mkv", "a.mp4", "a.webm", "a.avi", "folder")


def moving(count: int) -> torch.Tensor:
    rows, columns = torch.arange(24.0)[:, None], torch.arange(32.0)
    waves = [(0.3 * (columns + n)).sin() * (0.2 * rows + 0.1 * n).cos() for n in range(count)]
    return torch.stack(waves)[:, None].mul(torch.tensor([0.5, 0.3, 0.1]).view(3, 1, 1)).add(0.5)


@pytest.mark.parametrize("place", PLACES)
def test_a_slice_is_what_reading_gives(tmp_path: Path, place: str):
    write(tmp_path / place, Clip.steady(moving(30), 25))
    whole, left = read(tmp_path / place), survey(tmp_path / place)
    assert isinstance(left.frames, Reel)
    assert left.frames.shape == tuple(whole.frames.shape)
    assert left.with_frames(whole.frames).times == whole.times
    for first, last in ((0, 30), (0, 1), (29, 30), (11, 20)):
        assert torch.equal(left.frames[first:last], whole.frames[first:last])
    assert torch.equal(left.frames[20:25], whole.frames[20:25])  # and again, after another
    assert torch.equal(torch.stack(list(left.frames)), whole.frames)


def test_span_and_size_are_kept(tmp_path: Path):
    write(tmp_path / "a.mkv", Clip.steady(moving(12), 25))
    whole, left = read(tmp_path / "a.mkv", "3:-2", "16"), survey(tmp_path / "a.mkv", "3:-2", "16")
    assert torch.equal(left.frames[2:5], whole.frames[2:5])
    assert left.frames.shape == (7, 3, 16, 16)


def with_long_groups(path: Path, ending: str) -> Path:
    """60 frames, B-frames, a key frame every 24, and a clock that starts late in .ts."""
    target = path / f"groups{ending}"
    with av.open(str(target), "w") as out:
        stream = out.add_stream(
            "libx264", rate=25, options={"bf": "3", "g": "24", "x264-params": "open-gop=1:scenecut=0"}
        )
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for number, image in enumerate(moving(60)):
            frame = av.VideoFrame.from_ndarray((image.permute(1, 2, 0).numpy() * 255).astype("uint8"), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts", ".h264"])
def test_frames_between_key_frames_are_found(tmp_path: Path, ending: str):
    path = with_long_groups(tmp_path, ending)
    whole, left = read(path).frames, survey(path).frames
    for first in (0, 1, 23, 24, 25, 40, 47, 48, 59):
        assert torch.equal(left[first : first + 1], whole[first : first + 1]), first
    assert torch.equal(left[20:50], whole[20:50])


def test_frames_far_in_are_not_decoded_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    left = survey(with_long_groups(tmp_path, ".mp4")).frames
    seen = []
    pictures = Video.pictures

    def counted(self: Video):
        for picture in pictures(self):
            seen.append(picture.time)
            yield picture

    monkeypatch.setattr(Video, "pictures", counted)
    left[50:52]
    assert len(seen) < 10


def test_a_file_that_has_changed_is_noticed(tmp_path: Path):
    write(tmp_path / "a.mkv", Clip.steady(moving(12), 25))
    write(tmp_path / "folder", Clip.steady(moving(3), 25))
    left, images = survey(tmp_path / "a.mkv").frames, survey(tmp_path / "folder").frames
    write(tmp_path / "a.mkv", Clip.steady(moving(6), 25), overwrite=True)
    with pytest.raises(RequestError, match=r"a\.mkv has no frame at 0\.\d+ s any more; it has changed"):
        left[4:8]
    write(tmp_path / "folder", Clip.steady(moving(3)[..., :16, :16], 25), overwrite=True)
    with pytest.raises(RequestError, match=r"00001\.png has changed since it was first read"):
        images[1:2]


def test_only_slices_that_hold_frames_are_given(tmp_path: Path):
    write(tmp_path / "a.mkv", Clip.steady(moving(5), 25))
    frames = survey(tmp_path / "a.mkv").frames
    for span in (slice(3, 3), slice(0, 4, 2)):
        with pytest.raises(IndexError, match="of 5 frames; needed first:last"):
            frames[span]
    assert file_reel.FileReel is type(frames)
