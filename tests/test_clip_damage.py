"""What cannot be read is said in one line, and never skipped."""

import av
import pytest
from av.stream import Disposition
from tests.clip_inputs import beep, make_video, pattern

from oneseed.clip.read import read
from oneseed.errors import RequestError


def refuse(path, match, **asked):
    with pytest.raises(RequestError, match=match) as caught:
        read(path, **asked)
    assert "\n" not in str(caught.value)


def test_a_missing_path_is_refused(tmp_path):
    refuse(tmp_path / "none.mp4", "does not exist")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.mp4").touch()
    refuse(tmp_path / "empty.mp4", "is empty")


def test_a_file_that_is_no_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    refuse(tmp_path / "text.mp4", "cannot be read")


def test_a_file_with_sound_alone_is_refused(tmp_path):
    with av.open(str(tmp_path / "sound.m4a"), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=48000, layout="mono")
        for frame in beep(0.0, 0.1):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    refuse(tmp_path / "sound.m4a", r"holds no video \(found: audio\)")


@pytest.mark.parametrize("share", [60, 90])
@pytest.mark.parametrize(
    ("ending", "codec", "pixel_format"),
    [("mkv", "libx264", "yuv420p"), ("webm", "libvpx-vp9", "yuv420p"), ("avi", "mjpeg", "yuvj420p")],
)
def test_a_video_cut_short_is_refused(tmp_path, ending, codec, pixel_format, share):
    alone = {"g": "1"} if ending != "avi" else {}
    whole = tmp_path / f"whole.{ending}"
    make_video(whole, pattern(20), codec=codec, pixel_format=pixel_format, options=alone)
    short = tmp_path / f"short.{ending}"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size * share // 100])
    refuse(short, r"frame \d+ of .*short.* (is missing|cannot be read|is damaged)")
    assert len(read(short, "0:1").frames) == 1


def test_a_live_recording_of_unknown_length_is_read(tmp_path):
    with av.open(str(tmp_path / "live.mkv"), "w", container_options={"live": "1"}) as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for codes in pattern(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(codes, "rgb24")))
        out.mux(stream.encode(None))
    assert len(read(tmp_path / "live.mkv").frames) == 3


def test_a_damaged_frame_stops_the_reading(tmp_path):
    path = make_video(tmp_path / "whole.avi", pattern(20), codec="mpeg4")
    bad = bytearray(path.read_bytes())
    place = 0
    for _ in range(8):
        place = bad.index(b"00dc", place + 1)
    bad[place + 16 : place + 40] = b"\xff" * 24
    path.write_bytes(bad)
    refuse(path, r"frame [567] of .* (is damaged|cannot be read)")
    assert len(read(path, "0:3").frames) == 3


def test_a_video_that_changes_size_is_refused(tmp_path):
    with av.open(str(tmp_path / "two.mkv"), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        packets = stream.encode(av.VideoFrame.from_ndarray(pattern(1)[0], "rgb24").reformat(format="yuvj420p"))
        small = av.CodecContext.create("mjpeg", "w")
        small.width, small.height, small.pix_fmt, small.time_base = 32, 32, "yuvj420p", packets[0].time_base
        odd = small.encode(av.VideoFrame.from_ndarray(pattern(1, 32, 32)[0], "rgb24").reformat(format="yuvj420p"))
        for number, packet in enumerate([*packets, *odd]):
            packet.stream, packet.pts, packet.dts = stream, number, number
            out.mux(packet)
    refuse(tmp_path / "two.mkv", "frame 1 of .* is 32x32, the first one 64x48")


def test_time_stamps_that_fall_are_refused(tmp_path):
    with av.open(str(tmp_path / "back.mkv"), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number, codes in enumerate(pattern(3)):
            for packet in stream.encode(av.VideoFrame.from_ndarray(codes, "rgb24").reformat(format="yuvj420p")):
                packet.pts = (0, 3, 2)[number]
                out.mux(packet)
    refuse(tmp_path / "back.mkv", "frame 2 of .* needed rising time stamps")


def test_the_picture_on_a_record_is_no_video(tmp_path):
    with av.open(str(tmp_path / "song.mp4"), "w") as out:
        sound = out.add_stream("aac", rate=48000, layout="mono")
        cover = out.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        out.mux(cover.encode(av.VideoFrame.from_ndarray(pattern(1)[0], "rgb24").reformat(format="yuvj420p")))
        for frame in beep(0.0, 0.1):
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    refuse(tmp_path / "song.mp4", "holds no video")


def test_a_rate_for_a_video_is_refused(tmp_path):
    refuse(make_video(tmp_path / "a.mp4", pattern(2)), "needed a folder of images", rate=30)
