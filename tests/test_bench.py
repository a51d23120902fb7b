"""The benchmark: every rival restores what it is for, and nothing is scored but the last video, once."""

import json
import math
from dataclasses import replace

import pytest
import torch
from bench import methods, weights
from bench.__main__ import main
from bench.clips import Source
from bench.results import load, mean_and_error, values
from bench.rivals.base import Rival
from bench.run import Job, Protocol, run
from bench.tasks import NOISE, PROBLEMS, TASKS, measure
from tests.moving_clip import moving_clip

from oneseed.clip.clip import Clip
from oneseed.clip.write import write
from oneseed.noise import rounding_noise

SIMPLE = ["cgls", "tikhonov_gradients", "tikhonov_values", "motion_least_squares", "total_variation",
          "motion_total_variation"]  # fmt: skip
FOR_ONE = {"bicubic": "downsample", "back_projection": "downsample", "telea": "mask", "navier_stokes": "mask"}


def restored(name, given, reference=None):
    return methods.find(name).run(given, reference)


def error(x, clean):
    return (x - clean).square().mean().item()


@pytest.mark.parametrize("name", [*SIMPLE, *FOR_ONE])
def test_every_rival_comes_nearer_than_grey(name):
    clean = moving_clip(8, 40)
    given = measure(clean, FOR_ONE.get(name, "temporal-blur+noise"))
    found = restored(name, given)
    assert found.x.shape == clean.shape
    assert error(found.x, clean) < 0.5 * error(clean.mean(), clean)
    assert torch.equal(restored(name, given).x, found.x)


@pytest.mark.parametrize("name", FOR_ONE)
def test_a_rival_stands_aside_where_it_does_not_apply(name):
    assert restored(name, measure(moving_clip(8, 40), "temporal-blur")) is None


def test_every_file_of_the_room_keeps_its_contract():
    for name in methods.RIVALS:
        module = __import__(f"bench.rivals.{name}", fromlist=["restore"])
        assert isinstance(module, Rival), name
        assert methods.find(name).family != methods.OURS
        assert module.__doc__.splitlines()[0].endswith(".")


def test_the_truth_is_seen_by_none_but_those_that_say_so():
    """A reference of other content changes nothing but what is named for it."""
    clean = moving_clip(8, 40)
    given = measure(clean, "both+noise")
    other = clean.flip(-1)
    for name in methods.everything():
        method = methods.find(name)
        assert method.by_truth == name.endswith("@truth")
        if method.by_truth:
            assert error(method.run(given, clean).x, clean) <= error(method.run(given, other).x, clean), name
    quick = "draft:first_steps=3,rounds=1,round_steps=2"
    assert torch.equal(restored(quick, given, clean).x, restored(quick, given, other).x)


def test_the_weight_by_discrepancy_is_the_largest_that_meets_the_noise():
    clean = moving_clip(4, 24)
    given = replace(measure(clean, "mask+noise"), y=torch.zeros(1, 3, 4, 4), degrade=torch.nn.Identity())
    asked = []

    def solve(weight):
        asked.append(weight)
        return torch.full_like(given.y, weight)

    x = weights.by_discrepancy(given, solve)
    assert 0.8 * given.noise < x.max() <= given.noise
    assert weights.gap(given, x) == pytest.approx(x.max().item())
    exact = replace(given, noise=0.0)
    assert weights.by_discrepancy(exact, solve).max() == pytest.approx(weights.LOWEST)


def test_the_truth_takes_the_nearest_and_gives_up_in_time():
    reference = torch.zeros(1, 3, 4, 4)
    levels = [0.5, 0.1, 0.3, 0.4, 0.0]
    candidates = [torch.full_like(reference, level) for level in levels]
    chosen, number = weights.by_truth(candidates, reference, patience=2)
    assert (chosen.max().item(), number) == (pytest.approx(0.1), 2)
    assert weights.by_truth(candidates, reference)[0].max() == 0


def test_least_squares_solves_what_has_no_noise_and_ours_does_too():
    clean = moving_clip(8, 40)
    given = measure(clean, "temporal-blur")
    for name in ("cgls", "balanced:fit_epochs=1,epochs=1,denoise_rounds=0"):
        assert (restored(name, given).x - clean).abs().max() < 1e-3, name


def test_along_the_motion_total_variation_is_better_than_across_it():
    clean = moving_clip(8, 40)
    given = measure(clean, "mask")
    still, moving = (error(restored(name, given).x, clean) for name in ("total_variation", "motion_total_variation"))
    assert moving < still


@pytest.mark.parametrize("problem", PROBLEMS)
def test_tracks_differ_by_what_is_added_to_the_measurements(problem):
    clean = moving_clip(8, 40)
    exact, rounded, noisy = (measure(clean, problem + track) for track in ("", "+8bits", "+noise"))
    assert (exact.noise, rounded.noise, noisy.noise) == (0, rounding_noise(8), NOISE)
    assert weights.gap(noisy, clean) == pytest.approx(NOISE, rel=0.05)
    assert (rounded.y * 255 - (rounded.y * 255).round()).abs().max() < 1e-4
    assert (rounded.y - exact.y.clamp(0, 1)).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(measure(clean, f"{problem}+noise").y, noisy.y)
    assert exact.shape == clean.shape


def test_the_rounding_noise_is_what_rounding_does():
    x = torch.rand(100_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert ((x * 255).round() / 255 - x).square().mean().sqrt().item() == pytest.approx(rounding_noise(8), rel=0.02)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("magic", "no method 'magic'"),
        ("telea@truth", "there is telea"),
        ("cgls@random", "there is cgls, cgls@truth"),
        ("cgls:steps=3", "there is cgls, cgls@truth"),
        ("balanced:warp=1", "no field 'warp'"),
    ],
)
def test_an_unknown_method_is_named(name, said):
    with pytest.raises(ValueError, match=said):
        methods.find(name)


@pytest.fixture
def pan(tmp_path):
    (tmp_path / "clips").mkdir()
    write(tmp_path / "clips" / "pan", Clip.steady(moving_clip(8, 40), 25), bits=16)
    return tmp_path / "clips"


def test_a_run_is_written_once_and_again_when_the_question_changes(pan, tmp_path):
    job = Job(Source("pan", pan / "pan", "clips"), "mask", "draft:rounds=0,first_steps=5")
    protocol = Protocol("0:8", "40", threads=1)
    file = run(job, protocol, tmp_path / "runs")
    before = file.stat().st_mtime_ns
    assert run(job, protocol, tmp_path / "runs").stat().st_mtime_ns == before
    content = json.loads(file.read_text())
    assert content["score"]["psnr"] > 15
    assert content["epochs"] == 0
    assert content["recipe"]["first_steps"] == 5
    assert {"python", "torch", "oneseed"} <= set(content["versions"])
    assert content["machine"]
    assert file.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"
    assert run(job, replace(protocol, frames="0:4"), tmp_path / "runs") == file
    assert json.loads(file.read_text())["frames"] == "0:4"
    nothing = run(Job(job.clip, "temporal-blur", "telea"), protocol, tmp_path / "runs")
    assert json.loads(nothing.read_text())["score"] is None
    assert load([nothing]) == []


def test_runs_are_read_back_by_clip(pan, tmp_path):
    job = Job(Source("pan", pan / "pan", "clips"), "downsample", "bicubic")
    runs = load([run(job, Protocol("0:2", "40", threads=1), tmp_path)])
    assert values(runs, "downsample", "bicubic", "psnr") == {"pan": runs[0]["score"]["psnr"]}
    assert values(runs, "mask", "bicubic", "psnr") == {}
    assert mean_and_error([1.0, 3.0]) == (2.0, pytest.approx(1.0))
    assert mean_and_error([1.0]) == (1.0, None)


def test_the_command_runs_all_and_says_what_failed(pan, tmp_path, capsys):
    done = {"data": pan, "output": tmp_path / "runs", "size": "40", "threads": 1}
    main(**done, only="", tasks="mask downsample", names="bicubic telea", protocol="small", frames="0:2", lpips="none",
         prior="tiny", device="cpu", jobs=1)  # fmt: skip
    out, err = capsys.readouterr()
    assert "| bicubic |" in out
    assert "noise drawn from seed 1" in err
    assert len(list((tmp_path / "runs").glob("*.json"))) == 4


def test_every_task_has_its_name():
    assert len(TASKS) == 15
    with pytest.raises(ValueError, match="no task 'mask\\+fog'; there are mask, downsample"):
        measure(moving_clip(8, 40), "mask+fog")
    assert math.isclose(NOISE, 0.02)
