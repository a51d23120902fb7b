"""Interlaced video is refused early, with the way out; what is turned comes out upright and says nothing of turning."""

from fractions import Fraction

import av
import pytest
from av.video.codeccontext import VideoCodecContext
from tests.clip_inputs import make_video, pattern

from oneseed.clip.read import read, survey
from oneseed.clip.write import write
from oneseed.errors import RequestError

PROGRESSIVE, TOP_FIRST = 1, 2


def flagged(path, order, codec="ffv1", pixel_format="yuv420p"):
    """Whole frames in a file that says otherwise, or does not."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        stream.codec_context.time_base, stream.codec_context.field_order = Fraction(1, 25), order
        for number, codes in enumerate(pattern(3)):
            frame = av.VideoFrame.from_ndarray(codes, "rgb24").reformat(format=pixel_format, threads=1)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def woven(path, name="in.mkv"):
    return make_video(path / name, pattern(3), options={"x264-params": "tff=1"})


@pytest.mark.parametrize("name", ["in.mkv", "in.mp4", "in.mov"])
def test_interlaced_video_is_refused_in_one_line_with_both_ways_out(tmp_path, name):
    with pytest.raises(RequestError) as caught:
        survey(woven(tmp_path, name))
    said = str(caught.value)
    assert said.startswith(f"frame 0 of {tmp_path / name} is interlaced; needed whole frames.")
    assert f"ffmpeg -i '{tmp_path / name}' -vf bwdif" in said
    assert f"ffmpeg -i '{tmp_path / name}' -vf setfield=prog" in said
    assert "\n" not in said


@pytest.mark.skipif(not hasattr(VideoCodecContext, "field_order"), reason="this PyAV does not know")
def test_what_the_file_alone_says_counts(tmp_path):
    with pytest.raises(RequestError, match="is interlaced"):
        survey(flagged(tmp_path / "in.mkv", TOP_FIRST))
    assert len(survey(flagged(tmp_path / "fine.mkv", PROGRESSIVE)).frames) == 3


def test_what_a_single_frame_says_counts(tmp_path):
    """Whole frames, and then fields; the first frames can be had."""
    parts = [
        make_video(tmp_path / f"{name}.h264", pattern(30), options={"x264-params": params})
        for name, params in (("whole", "bframes=0"), ("woven", "bframes=0:tff=1"))
    ]
    path = tmp_path / "both.h264"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(RequestError, match=r"frame 30 of .* is interlaced"):
        survey(path)
    assert len(survey(path, ":9").frames) == 9


def test_clearing_the_flag_as_advised_is_enough(tmp_path):
    """What `-vf setfield=prog -c:v ffv1` does: the same pictures, and frames that say so."""
    source = woven(tmp_path)
    graph = av.filter.Graph()
    with av.open(str(source)) as container, av.open(str(tmp_path / "out.mkv"), "w") as out:
        graph.link_nodes(
            graph.add_buffer(template=container.streams.video[0]),
            graph.add("setfield", "prog"),
            graph.add("buffersink"),
        ).configure()
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frame in container.decode(video=0):
            graph.vpush(frame)
            out.mux(stream.encode(graph.vpull()))
        out.mux(stream.encode(None))
    assert len(read(tmp_path / "out.mkv").frames) == 3


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("turn", [90, 180, -90])
def test_what_is_written_is_upright_and_is_not_turned_again(tmp_path, ending, turn):
    clip = read(make_video(tmp_path / "in.mp4", pattern(2), turn=turn))
    upright = (64, 48) if turn == 180 else (48, 64)
    with av.open(str(write(tmp_path / f"out{ending}", clip).path)) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == upright
        assert frame.rotation == 0
        assert "DISPLAYMATRIX" not in [data.type.name for data in frame.side_data]
