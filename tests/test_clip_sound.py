"""Sound goes along, stays in sync, and is cut with the picture."""

from fractions import Fraction

import av
import pytest
from tests.clip_inputs import beep_start, make_video, pattern

from oneseed.clip.cargo import Cargo
from oneseed.clip.encoding import Encoding
from oneseed.clip.read import read
from oneseed.clip.write import write

TONE = 0.48  # seconds, in every input
NEAR = 0.003  # codecs smear an onset over a millisecond or two


def source(folder, ending=".mp4", sound="aac", sound_span=(0.0, 1.0)):
    codec = "libvpx-vp9" if ending == ".webm" else "libx264"
    return make_video(folder / f"in{ending}", pattern(25), codec=codec, sound=sound, sound_span=sound_span)


def packets(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("ending", "sound", "target", "report"),
    [
        (".mp4", "aac", ".mp4", "aac copied"),
        (".mp4", "aac", ".mov", "aac copied"),
        (".mp4", "aac", ".mkv", "aac copied"),
        (".mp4", "aac", ".webm", "aac encoded again as libopus"),
        (".mp4", "aac", ".avi", "aac encoded again as pcm_s16le"),
        (".mkv", "pcm_s16le", ".mp4", "pcm_s16le encoded again as aac"),
        (".mkv", "pcm_s16le", ".avi", "pcm_s16le encoded again as pcm_s16le"),
        (".webm", "libopus", ".mkv", "opus copied"),
    ],
)
@pytest.mark.parametrize("frames", [None, "5:20"])
def test_sound_stays_in_sync(tmp_path, ending, sound, target, report, frames):
    clip = read(source(tmp_path, ending, sound), frames)
    written = write(tmp_path / f"out{target}", clip)
    assert written.sound == report
    start = float(clip.times[0])
    assert beep_start(written.path) == pytest.approx(TONE - start, abs=NEAR)
    assert read(written.path).times == tuple(time - clip.times[0] for time in clip.times)


def test_copied_sound_is_the_same_packets(tmp_path):
    path = source(tmp_path)
    assert packets(write(tmp_path / "out.mp4", read(path)).path) == packets(path)


@pytest.mark.parametrize("target", [".mp4", ".webm", ".avi", ".mkv"])
def test_sound_that_starts_later_than_the_picture_stays_in_sync(tmp_path, target):
    path = source(tmp_path, ".mkv", "pcm_s16le", sound_span=(0.2, 1.0))
    assert beep_start(path) == pytest.approx(TONE, abs=NEAR)
    assert beep_start(write(tmp_path / f"out{target}", read(path)).path) == pytest.approx(TONE, abs=NEAR)


@pytest.mark.parametrize("target", [".mp4", ".webm", ".avi", ".mkv"])
def test_sound_ends_with_the_cut_picture(tmp_path, target):
    path = write(tmp_path / f"out{target}", read(source(tmp_path), "5:15")).path
    with av.open(str(path)) as container:
        last = list(container.decode(audio=0))[-1]
    assert float(last.pts * last.time_base) + last.samples / last.rate == pytest.approx(0.4, abs=0.03)


def test_sound_longer_than_the_picture_is_kept_whole(tmp_path):
    path = source(tmp_path, sound_span=(0.0, 2.0))
    assert packets(write(tmp_path / "out.mp4", read(path)).path) == packets(path)


def test_lossless_video_has_sound_too(tmp_path):
    written = write(tmp_path / "out.mkv", read(source(tmp_path)), encoding=Encoding(lossless=True))
    assert beep_start(written.path) == pytest.approx(TONE, abs=NEAR)


@pytest.mark.parametrize(("name", "why"), [("out.gif", "a gif"), ("out", "a folder")])
def test_what_cannot_hold_sound_says_so(tmp_path, name, why):
    assert write(tmp_path / name, read(source(tmp_path), ":3")).sound == f"dropped: {why} holds no sound"
    silent = make_video(tmp_path / "silent.mp4", pattern(2))
    assert write(tmp_path / name, read(silent), overwrite=True).sound == "none"


def test_silent_video_and_folders_have_none(tmp_path):
    clip = read(make_video(tmp_path / "silent.mp4", pattern(2)))
    assert write(tmp_path / "out.mp4", clip).sound == "none"
    write(tmp_path / "frames", clip)
    assert write(tmp_path / "again.mp4", read(tmp_path / "frames")).sound == "none"


def test_a_source_that_has_gone_costs_the_sound_and_not_the_picture(tmp_path):
    path = source(tmp_path)
    clip = read(path)
    path.unlink()
    written = write(tmp_path / "out.mp4", clip)
    assert written.sound.startswith("dropped:")
    assert len(read(written.path).frames) == 25


def test_sound_is_handed_out_as_the_picture_advances():
    early, late = av.Packet(), av.Packet()
    sound = Cargo("aac copied", [], iter([(Fraction(0), early), (Fraction(1, 2), late)]))
    assert list(sound.until(Fraction(1, 4))) == [early]
    assert list(sound.until(Fraction(1, 2))) == [late]
    assert list(sound.until(None)) == []


def test_sound_and_picture_are_interleaved(tmp_path):
    path = write(tmp_path / "out.mkv", read(source(tmp_path))).path
    with av.open(str(path)) as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    assert kinds.index("audio") < 5
    assert len(kinds) - kinds[::-1].index("video") > len(kinds) / 2
