"""Everything beside the picture is in the output too, packet by packet, or is said not to be."""

from fractions import Fraction

import av
import pytest
from av.stream import Disposition
from tests.clip_film import (
    CHAPTERS,
    FONT,
    LINES,
    TAGS,
    TRACKS,
    chapters_in,
    make_film,
    packets_of,
    shown_of,
    tags_in,
    tracks_of,
)
from tests.clip_inputs import frames_of, pattern

from oneseed.clip import cargo
from oneseed.clip.clip import Clip
from oneseed.clip.read import read
from oneseed.clip.tags import known_to_players
from oneseed.clip.window import Window
from oneseed.clip.write import write

COPIES = [  # what is in the source, and where it can go
    (".mkv", ("subrip", "ass", "hdmv_pgs_subtitle"), "aac", ".mkv"),
    (".mp4", ("mov_text",), "aac", ".mp4"),
    (".mp4", ("mov_text",), "aac", ".mov"),
    (".mov", ("mov_text",), "aac", ".mp4"),
    (".webm", ("webvtt",), "libopus", ".webm"),
    (".webm", ("webvtt",), "libopus", ".mkv"),
]


def film(folder, ending=".mkv", subtitles=(), sound=None, **others):
    codec = "libvpx-vp9" if ending == ".webm" else "libx264"
    return make_film(folder / f"in{ending}", subtitles, sound, codec, **others)


@pytest.mark.parametrize(("ending", "subtitles", "sound", "target"), COPIES)
def test_sound_and_subtitles_are_the_same_packets_track_by_track(tmp_path, ending, subtitles, sound, target):
    source = film(tmp_path, ending, subtitles, sound)
    done = write(tmp_path / f"out{target}", read(source))
    for kind in ("audio", "subtitle"):
        assert packets_of(done.path, kind) == packets_of(source, kind)
    assert len(packets_of(source, "audio")) == 2
    assert all(len(track) == len(LINES) for track in packets_of(source, "subtitle"))
    assert shown_of(done.path) == [(first, last) for first, last, _ in LINES]
    assert done.rest[0] == f"subtitles: {', '.join(subtitles)} copied"


def test_the_gaps_between_texts_of_mp4_are_not_doubled(tmp_path):
    def times(path):
        with av.open(str(path)) as container:
            return [(packet.pts, packet.size) for packet in container.demux(container.streams.subtitles) if packet.size]

    source = film(tmp_path, ".mp4", ("mov_text",))
    assert times(write(tmp_path / "out.mp4", read(source)).path) == times(source)


@pytest.mark.parametrize(("ending", "subtitles", "sound", "target"), COPIES)
def test_tracks_keep_language_title_and_disposition(tmp_path, ending, subtitles, sound, target):
    source = film(tmp_path, ending, subtitles, sound)
    path = write(tmp_path / f"out{target}", read(source)).path
    for kind in ("audio", "subtitle"):
        found, there = tracks_of(path, kind), tracks_of(source, kind)
        assert [track[:2] for track in found] == [track[:2] for track in there]
        assert [track[1] for track in found] == (
            ["Main", "Remarks"] if kind == "audio" else ["Sous-titres"] * len(subtitles)
        )
        if ".mov" in (ending, target):  # knows no disposition but default
            found, there = ([track[2] & Disposition.default for track in part] for part in (found, there))
        assert found == there


def test_sound_that_is_encoded_again_keeps_them_too(tmp_path):
    source = film(tmp_path, ".mkv", sound="aac")
    done = write(tmp_path / "out.webm", read(source))
    assert done.sound == "aac encoded again as libopus, aac encoded again as libopus"
    found = tracks_of(done.path, "audio")
    assert [track[:2] for track in found] == [track[:2] for track in TRACKS]
    assert [bool(track[2] & Disposition.default) for track in found] == [True, False]


@pytest.mark.parametrize("target", [".mp4", ".mov", ".mkv", ".webm"])
def test_chapters_and_tags_are_kept(tmp_path, target):
    done = write(tmp_path / f"out{target}", read(film(tmp_path)))
    assert chapters_in(done.path) == list(CHAPTERS)
    assert {name: tags_in(done.path)[name] for name in TAGS} == TAGS
    assert done.rest == ("chapters: 2",)


def test_tags_that_players_know_are_where_they_look_and_others_are_kept(tmp_path):
    plain = write(tmp_path / "a.mp4", read(film(tmp_path))).path
    assert b"\xa9nam" in plain.read_bytes()
    own = film(tmp_path, tags={**TAGS, "grain": "coarse"})
    path = write(tmp_path / "b.mp4", read(own)).path
    assert tags_in(path)["grain"] == "coarse"
    assert tags_in(path)["title"] == "A film"
    assert known_to_players({"TITLE": "x"})
    assert not known_to_players({"TITLE": "x", "grain": "coarse"})


def test_fonts_are_kept_in_matroska_and_said_to_be_dropped_elsewhere(tmp_path):
    source = film(tmp_path, subtitles=("ass",), font=True)
    done = write(tmp_path / "out.mkv", read(source))
    with av.open(str(done.path)) as container:
        (font,) = container.streams.attachments
        assert (font.name, font.mimetype, font.data) == ("a.ttf", "font/ttf", FONT)
    assert done.rest == ("subtitles: ass copied", "chapters: 2", "a.ttf copied")
    assert "a.ttf: dropped: mp4 cannot hold it" in write(tmp_path / "out.mp4", read(source)).rest


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (".mp4", "subtitles: dropped: mp4 cannot hold ass, hdmv_pgs_subtitle"),
        (".webm", "subtitles: dropped: webm cannot hold ass, hdmv_pgs_subtitle"),
        (".avi", "chapters: dropped: avi cannot hold them"),
        ("", "subtitles: dropped: a folder holds none"),
        (".gif", "chapters: dropped: a gif holds none"),
    ],
)
def test_what_cannot_be_kept_is_said(tmp_path, target, said):
    source = film(tmp_path, subtitles=("ass", "hdmv_pgs_subtitle"))
    done = write(tmp_path / f"out{target}", read(source))
    assert said in done.rest
    assert said in done.report
    assert done.report.startswith("sound: none; ")


@pytest.mark.parametrize("target", [".mkv", ".mp4"])
def test_a_cut_clip_has_the_chapters_and_subtitles_that_are_seen_in_it(tmp_path, target):
    ending, codec = (".mkv", "subrip") if target == ".mkv" else (".mp4", "mov_text")
    source = film(tmp_path, ending, (codec,), "aac")
    path = write(tmp_path / f"out{target}", read(source, "5:18")).path  # 0.20 s to 0.72 s
    assert chapters_in(path) == [(0, 200, "One"), (200, 520, "Two")]
    assert shown_of(path) == [(0, 100), (300, 520)]
    path = write(tmp_path / f"late{target}", read(source, "10:12")).path  # nothing is said then
    assert chapters_in(path) == [(0, 80, "Two")]
    assert packets_of(path, "subtitle") == [[]]


def test_pictures_without_a_length_are_cut_by_when_they_appear(tmp_path):
    source = film(tmp_path, subtitles=("hdmv_pgs_subtitle",))
    path = write(tmp_path / "out.mkv", read(source, "5:18")).path
    assert packets_of(path, "subtitle") == [packets_of(source, "subtitle")[0][1:]]
    assert shown_of(path) == [(300, 300)]


def test_a_window_clips():
    window = Window(Fraction(2), Fraction(3), before=False)
    assert window.clipped(Fraction(1), Fraction(4)) == (0, 2)
    assert window.clipped(Fraction(4), Fraction(9)) == (2, 3)
    assert window.clipped(Fraction(0), Fraction(2)) is None
    assert window.clipped(Fraction(5), Fraction(6)) is None
    assert Window(Fraction(2), None, before=False).clipped(Fraction(4), Fraction(9)) == (2, 7)


def test_what_cannot_be_written_costs_the_rest_and_not_the_sound(tmp_path, monkeypatch):
    clip = read(film(tmp_path, subtitles=("subrip",), sound="aac"))

    def fail(*_):
        raise ValueError("no such chapter")

    monkeypatch.setattr(cargo, "chapters_of", fail)
    done = write(tmp_path / "out.mkv", clip)
    assert done.sound == "aac copied, aac copied"
    assert done.rest == ("subtitles, chapters and tags: dropped: they cannot be written (no such chapter)",)
    assert len(read(done.path).frames) == 25


def test_a_clip_from_nowhere_has_nothing_beside_it(tmp_path):
    done = write(tmp_path / "out.mkv", Clip.steady(frames_of(pattern(2)), 25))
    assert (done.rest, done.report) == ((), "sound: none")


def with_cover(path):
    """A film with a picture of itself, and another video stream."""
    with av.open(str(path), "w") as out:
        film, more, cover = (out.add_stream(codec, rate=25) for codec in ("libx264", "libx264", "mjpeg"))
        cover.pix_fmt, cover.disposition = "yuvj420p", Disposition.attached_pic
        for stream in (film, more, cover):
            stream.width, stream.height = 64, 48
        picture = av.VideoFrame.from_ndarray(pattern(1)[0], "rgb24")
        out.mux(cover.encode(picture.reformat(format="yuvj420p", threads=1)))
        for stream in (film, more):
            out.mux(stream.encode(picture.reformat(format="yuv420p", threads=1)))
            out.mux(stream.encode(None))
    return path


def cover_of(path):
    with av.open(str(path)) as container:
        (cover,) = (one for one in container.streams.video if one.disposition & Disposition.attached_pic)
        return bytes(next(iter(container.demux(cover))))


def test_a_cover_is_kept_where_it_can_be_and_other_video_is_said_to_be_dropped(tmp_path):
    source = with_cover(tmp_path / "in.mp4")
    for target in (".mp4", ".mkv"):
        done = write(tmp_path / f"out{target}", read(source))
        assert done.rest == ("another video stream: dropped", "cover.jpeg copied")
        assert cover_of(done.path) == cover_of(source)
        assert read(done.path).frames.shape == (1, 3, 48, 64)
    again = write(tmp_path / "again.mp4", read(tmp_path / "out.mkv"))
    assert cover_of(again.path) == cover_of(source)
    odd = read(source, size="47")  # whose size is noted as a tag of another name
    assert "cover.jpeg: dropped: mp4 cannot hold it" in write(tmp_path / "odd.mp4", odd).rest
    assert "cover.jpeg: dropped: webm cannot hold it" in write(tmp_path / "out.webm", read(source)).rest
