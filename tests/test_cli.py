"""The command line as a user meets it: what it writes, what it says, and how it ends."""

import json
import signal
import sys
from fractions import Fraction

import av
import pytest
import torch
from PIL import Image
from tests.clip_film import make_film
from tests.moving_clip import moving_clip
from tests.small_tiny import small_tiny

import oneseed.worker
from oneseed.cli import main
from oneseed.clip.clip import Clip
from oneseed.clip.read import read
from oneseed.clip.write import write

QUICK = ("--epochs", "2", "--set", "fit_epochs=1", "--set", "finish_rounds=1", "--set", "exact_steps=2")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run `oneseed ARGUMENTS` in an empty folder; exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["oneseed", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture
def clean(tmp_path):
    """A folder of eight frames, 32x32, of something that moves."""
    write(tmp_path / "clean", Clip.steady(moving_clip(8, 32), 25), bits=16)
    return tmp_path / "clean"


@pytest.fixture
def degraded(run, clean):
    assert run("degrade", clean, "degraded", "-d", "mask:missing=0.3")[0] == 0
    return clean.with_name("degraded")


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_degrade_restore_score_from_one_end_to_the_other(run, clean, degraded, tmp_path):
    code, said, _ = run("restore", degraded, "restored.mkv", "--lossless", "--preset", "draft", "--json", "run.json")
    assert (code, "restored.mkv" in said) == (0, True)
    done = json.loads((tmp_path / "run.json").read_text())
    assert done["frames"] == 8
    assert done["size"] == [32, 32]
    assert done["degradation"] == ["mask:missing=0.3,seed=0,per_frame=false"]
    code, said, _ = run("score", "restored.mkv", clean, "--lpips", "none", "--json", "score.json")
    assert code == 0
    scores = json.loads((tmp_path / "score.json").read_text())
    assert scores["psnr"] > 30
    assert set(scores) >= {
        "frames",
        "psnr",
        "ssim",
        "lpips_alex",
        "lpips_vgg",
        "we_self",
        "we_gt",
        "we_reference",
        "per_frame",
    }


def test_the_chain_runs_and_the_same_command_gives_the_same_bytes(run, degraded, tmp_path):
    for name in ("one", "two"):
        assert run("restore", degraded, name, *QUICK, "--json", f"{name}.json")[0] == 0
    assert files(tmp_path / "one") == files(tmp_path / "two")
    for name in files(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    done = json.loads((tmp_path / "one.json").read_text())
    wanted = "frames size epochs seconds seconds_per_epoch peak_memory_mb data_loss residual_rms visible_share recipe prior device degradation"  # noqa: E501
    assert set(done) >= set(wanted.split())
    assert done["prior"] == done["denoiser"] == "tiny"
    assert done["epochs"] == 3
    assert run("restore", degraded, "three", *QUICK, "--seed", "5")[0] == 0
    assert any(
        (tmp_path / "one" / name).read_bytes() != (tmp_path / "three" / name).read_bytes()
        for name in files(tmp_path / "one")
    )


def test_a_folder_keeps_the_frame_rate_of_the_clip_that_was_degraded(run, clean, tmp_path):
    write(tmp_path / "film.mp4", Clip.steady(read(clean).frames, Fraction(30000, 1001)))
    assert run("degrade", "film.mp4", "measured", "-d", "mask:missing=0.3")[0] == 0
    assert run("restore", "measured", "restored.mp4", "--preset", "draft")[0] == 0
    assert read(tmp_path / "restored.mp4").rate == Fraction(30000, 1001)


def test_an_input_that_is_not_there_is_what_is_said(run):
    code, _, said = run("restore", "nowhere.mp4", "out.mp4")
    assert code == 2
    assert "nowhere.mp4 does not exist" in said


def test_a_reference_is_shown_and_changes_nothing(run, clean, degraded, tmp_path):
    assert run("restore", degraded, "blind", *QUICK)[0] == 0
    code, _, shown = run("restore", degraded, "seeing", *QUICK, "--reference", clean)
    assert code == 0
    assert "PSNR" in shown
    for name in files(tmp_path / "blind"):
        assert (tmp_path / "blind" / name).read_bytes() == (tmp_path / "seeing" / name).read_bytes()


WRONG = {
    "no input": (["restore", "nowhere", "out", "-d", "mask"], "nowhere"),
    "unknown degradation": (["restore", "degraded", "out", "-d", "maks"], "Did you mean 'mask'?"),
    "unknown argument": (["restore", "degraded", "out", "-d", "mask:mising=0.5"], "Did you mean 'missing'?"),
    "unknown prior": (["restore", "degraded", "out", "--prior", "huge"], "huge"),
    "unknown flow": (["restore", "degraded", "out", "--flow", "diss"], "Did you mean 'dis'?"),
    "unknown preset": (["restore", "degraded", "out", "--preset", "balancd"], "Did you mean 'balanced'?"),
    "unknown field": (["restore", "degraded", "out", "--set", "ranks=3"], "Did you mean 'rank'?"),
    "no value": (["restore", "degraded", "out", "--set", "rank"], "FIELD=VALUE"),
    "unknown option": (["restore", "degraded", "out", "--prst", "draft"], "--preset"),
    "unknown command": (["restor", "degraded", "out"], "restore"),
    "unknown device": (["restore", "degraded", "out", "--device", "gpu"], "cuda"),
    "negative noise": (["restore", "degraded", "out", "--noise", "-1"], "--noise is -1"),
    "negative minutes": (["restore", "degraded", "out", "--minutes", "0"], "--minutes"),
    "no such folder": (["restore", "degraded", "no/such/out"], "Make it first"),
    "output exists": (["restore", "degraded", "clean", "--preset", "draft"], "--overwrite"),
    "unknown ending": (["restore", "degraded", "out.mp3", "--preset", "draft"], "mp3"),
    "no sidecar": (["restore", "clean", "out"], "-d SPEC"),
    "not divisible": (["degrade", "clean", "out", "-d", "downsample:factor=3"], "--size 30x30"),
    "too few frames": (["degrade", "clean", "out", "-d", "temporal-blur:width=9"], "is 8; temporal-blur:width=9"),
    "nothing to do": (["degrade", "clean", "out"], "-d"),
    "16 bits in mp4": (["degrade", "clean", "out.mp4", "-d", "mask", "--bits", "16"], "16"),
    "unequal lengths": (["score", "degraded", "clean", "--frames", "0:4"], "--frames"),
    "json exists": (["score", "degraded", "clean", "--json", "taken.json"], "taken.json"),
    "no room": (["choices", "rooms"], "degrade"),
    "no photos": (["train", "degraded/degradation.json", "out"], "neither a tar of photos nor a video"),
    "nothing to begin with": (["train", "clean", "out", "--from", "nowhere"], "leave out --from"),
    "guidance alone": (["restore", "degraded", "out", "--prior", "clean", "--guidance", "3"], "holds neither"),
    "a prompt for tiny": (["restore", "degraded", "out", "--prompt", "a dog"], "takes no decoder, prompt or guidance"),
    "no such repository": (["restore", "degraded", "out", "--prior", "no-one/nothing"], "no-one/nothing"),
    "unknown denoiser": (["restore", "degraded", "out", "--denoiser", "huge"], "no denoiser 'huge'"),
    "sheet exists": (["sample", "clean/00000.png"], "--overwrite"),
    "unknown encoder": (["restore", "degraded", "out.mp4", "--codec", "libx256"], "Did you mean 'libx26"),
    "container": (["restore", "degraded", "out.webm", "--codec", "libx264"], "libx264 in .webm"),
    "crf of none": (["restore", "degraded", "out.mov", "--codec", "prores_ks", "--crf", "9"], "--crf 9 for prores_ks"),
    "pixel format": (["restore", "degraded", "out.mp4", "--pix-fmt", "yuv421p"], "Did you mean 'yuv4"),
    "lossless and lossy": (["restore", "degraded", "out.mkv", "--lossless", "--crf", "9"], "--lossless beside --crf 9"),
    "output is input": (["restore", "degraded", "degraded", "--overwrite"], "degraded is the input"),
    "degrade in place": (["degrade", "clean", "clean", "-d", "mask", "--overwrite"], "clean is the input"),
    "reference": (
        ["restore", "degraded", "out", "--workers", "2", "--reference", "clean"],
        "--reference with other workers",
    ),
    "no picture": (["sample", "sheet.mp4"], "needed is .png or .jpg"),
    "no pictures": (["sample", "sheet.png", "--count", "0"], "count=0"),
}


@pytest.mark.parametrize("why", WRONG)
def test_a_wrong_request_gets_one_line_exit_code_2_and_nothing_written(run, degraded, tmp_path, why):
    (tmp_path / "taken.json").write_text("{}")
    before = files(tmp_path)
    arguments, said = WRONG[why]
    code, _, error = run(*arguments)
    assert code == 2
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert files(tmp_path) == before


def test_ctrl_c_ends_after_the_epoch_and_writes_what_was_reached(run, degraded, monkeypatch, tmp_path):
    plain = oneseed.worker.optimise

    def interrupted(*arguments, **others):
        for epoch in plain(*arguments, **others):
            if (epoch.number, epoch.phase) == (1, "search"):
                signal.raise_signal(signal.SIGINT)
            yield epoch

    monkeypatch.setattr(oneseed.worker, "optimise", interrupted)
    code, _, said = run("restore", degraded, "out", "--epochs", "50", "--set", "fit_epochs=1", "--json", "run.json")
    assert code == 130
    assert "ending after this epoch" in said
    assert read(tmp_path / "out").frames.shape == (8, 3, 32, 32)
    assert json.loads((tmp_path / "run.json").read_text())["epochs"] <= 2


def test_ctrl_c_twice_ends_at_once_and_the_same_command_goes_on(run, degraded, monkeypatch, tmp_path):
    plain, seen = oneseed.worker.optimise, []
    asked = ("--epochs", "6", "--set", "fit_epochs=1", "--set", "patience=0", "--set", "denoise_rounds=0")
    monkeypatch.setattr("oneseed.state_file._SPARED", 0)
    assert run("restore", degraded, "expected", *asked)[0] == 0

    def interrupted(*arguments, **others):
        for epoch in plain(*arguments, **others):
            seen.append(epoch.number)
            if len(seen) == 5:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            yield epoch

    monkeypatch.setattr(oneseed.worker, "optimise", interrupted)
    code, _, said = run("restore", degraded, "out", *asked)
    assert code == 130
    assert (
        said.strip()
        .splitlines()[-1]
        .startswith("oneseed: interrupted; 0 of 1 pieces are done and kept in out.oneseed.")
    )
    assert not (tmp_path / "out").exists()
    assert run("restore", degraded, "out", *asked)[0] == 0
    assert seen[5:7] == [0, seen[4]]  # the start is shown again, and not made again
    names = [file.name for file in (tmp_path / "expected").glob("*.png")]
    assert names
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "expected" / name).read_bytes()
    assert not (tmp_path / "out.oneseed").exists()


def test_a_run_that_leaves_the_numbers_writes_the_last_good_frames_and_fails(run, degraded, tmp_path):
    wild = (
        "--set",
        "lr_residual=1e30",
        "--set",
        "radius=inf",
        "--epochs",
        "8",
        "--set",
        "fit_epochs=1",
        "--set",
        "patience=0",
    )
    code, _, said = run("restore", degraded, "out", *wild)
    assert code == 1
    assert "epoch" in said
    assert torch.isfinite(read(tmp_path / "out").frames).all()


def test_minutes_end_the_search(run, degraded, tmp_path):
    assert run("restore", degraded, "out", "--epochs", "500", "--minutes", "0.001", "--json", "run.json")[0] == 0
    assert json.loads((tmp_path / "run.json").read_text())["epochs"] < 500


def test_noise_is_added_and_remembered(run, clean, tmp_path):
    assert run("degrade", clean, "noisy", "-d", "mask:missing=0.3", "--noise", "0.1", "--seed", "3")[0] == 0
    assert json.loads((tmp_path / "noisy/degradation.json").read_text())["noise"] == 0.1
    assert run("degrade", clean, "other", "-d", "mask:missing=0.3", "--noise", "0.1", "--seed", "4")[0] == 0
    assert (read(tmp_path / "noisy").frames - read(tmp_path / "other").frames).abs().max() > 0.01
    assert run("restore", "noisy", "out", "--preset", "draft", "--json", "run.json")[0] == 0
    assert json.loads((tmp_path / "run.json").read_text())["noise"] == 0.1


def test_choices_lists_every_room_and_doctor_finds_the_prior(run):
    code, said, _ = run("choices")
    assert code == 0
    assert all(word in said for word in ("degrade:", "motion-blur", "raft", "tiny", "warping-error"))
    code, said, _ = run("doctor")
    assert code == 0
    assert "prior tiny: there" in said
    assert "memory for 16 frames of 512x512 with the prior tiny: about" in said


def test_a_sheet_is_drawn_again_from_the_same_seed(run, tmp_path):
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        assert run("sample", f"{name}.png", "--count", "3", "--size", "40", "--steps", "2", "--seed", str(seed))[0] == 0
    one, two, three = ((tmp_path / f"{name}.png").read_bytes() for name in ("one", "two", "three"))
    assert one == two != three
    with Image.open(tmp_path / "one.png") as sheet:
        assert sheet.size == (80, 80)
        assert sheet.crop((40, 40, 80, 80)).getextrema() == ((0, 0),) * 3  # three pictures in two rows of two


def test_a_prior_of_ones_own_footage_is_used_at_once(run, degraded, tmp_path):
    small_tiny(tmp_path)
    prior = ("--prior", "small", "--set", "denoise_rounds=1")
    assert run("sample", "sheet.png", "--count", "1", "--size", "32", "--prior", "small")[0] == 0
    assert run("restore", degraded, "out", *QUICK, *prior, "--json", "run.json")[0] == 0
    done = json.loads((tmp_path / "run.json").read_text())
    assert done["prior"] == done["denoiser"] == "small"


def test_choices_of_the_encoder_reach_the_file_with_all_that_the_source_holds(run, tmp_path):
    make_film(tmp_path / "film.mkv", ("subrip", "ass"), "aac")
    asked = ("restore", "film.mkv", "out.mp4", "-d", "mask:missing=0.3", "--frames", "5:9", "--preset", "draft")
    chosen = ("--codec", "libx265", "--pix-fmt", "yuv422p10le", "--overwrite")
    code, said, _ = run(*asked, *chosen, "--crf", "30")
    assert code == 0
    assert said.strip().endswith(
        " s, sound: aac copied, aac copied; subtitles: dropped: mp4 cannot hold subrip, ass; chapters: 1"
    )
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, len(container.streams.audio)) == ("hevc", "yuv422p10le", 2)
    size = (tmp_path / "out.mp4").stat().st_size
    assert run(*asked, *chosen, "--crf", "4")[0] == 0
    assert (tmp_path / "out.mp4").stat().st_size > size
