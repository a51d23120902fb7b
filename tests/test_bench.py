"""The benchmark: every rival restores what it is for, and nothing is scored but the last video, once."""

import json

import pytest
import torch
from bench import chain, true_size
from bench.methods import RIVALS, is_oracle, method
from bench.oracle import best
from bench.run import run
from bench.table import load, table
from bench.tasks import TASKS, measure
from tests.moving_clip import moving_clip
from tests.small_checkpoints import small_checkpoint

from oneseed.clip.clip import Clip
from oneseed.clip.write import write
from oneseed.prior.diffusers import Diffusers
from oneseed.recipe import Recipe

SIMPLE = {"bicubic": "downsample", "back_projection": "downsample", "telea": "mask", "navier_stokes": "mask"}


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_comes_nearer_than_grey(name):
    clean = moving_clip(8, 40)
    given = measure(clean, TASKS[SIMPLE.get(name, "temporal-blur+noise")])
    restored = method(name)(given)
    assert restored is not None
    assert restored.shape == clean.shape
    assert (restored - clean).square().mean() < 0.5 * (clean - clean.mean()).square().mean()


@pytest.mark.parametrize("name", SIMPLE)
def test_a_rival_stands_aside_where_it_does_not_apply(name):
    assert method(name)(measure(moving_clip(8, 40), TASKS["temporal-blur"])) is None


def test_the_oracle_takes_the_nearest_and_gives_up_in_time():
    reference = torch.zeros(1, 3, 4, 4)
    levels = [0.5, 0.1, 0.3, 0.4, 0.0]
    candidates = (torch.full_like(reference, level) for level in levels)
    assert best(candidates, reference, patience=2).max().item() == pytest.approx(0.1)
    assert best((torch.full_like(reference, level) for level in levels), reference).max() == 0


def test_least_squares_solves_what_has_no_noise_and_ours_does_too():
    clean = moving_clip(8, 40)
    given = measure(clean, TASKS["temporal-blur"])
    assert (method("cgls")(given) - clean).abs().max() < 1e-3
    quick = "balanced:fit_epochs=1,epochs=1"
    assert (method(quick)(given) - clean).abs().max() < 1e-3


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="no method 'magic'"):
        method("magic")


def test_the_chain_alone_shows_the_prior():
    clean = moving_clip(3, 32)
    given = measure(clean, TASKS["mask"])
    short = "chain:fit_epochs=3,epochs=3"
    errors = {
        name: (method(name)(given) - clean).square().mean().item()
        for name in (short, f"{short}@random", f"{short},steps=0", "chain-from-noise:epochs=3")
    }
    assert errors[short] < 0.3 * errors[f"{short}@random"]
    assert len(set(errors.values())) == len(errors)
    for wrong in ("chain@magic", "telea@random", "draft@tiny"):
        with pytest.raises(ValueError, match=f"no method '{wrong}'; after @ comes tiny, random, first"):
            method(wrong)
    with pytest.raises(ValueError, match="no prior 'magic'; there are tiny, random, first"):
        chain.prior("magic")


def test_random_weights_have_the_shapes_of_tiny_and_nothing_else_of_it():
    trained, drawn = (dict(chain.prior(name).named_parameters()) for name in ("tiny", "random"))
    assert {name: value.shape for name, value in trained.items()} == {
        name: value.shape for name, value in drawn.items()
    }
    assert all(not torch.equal(trained[name], drawn[name]) for name in trained if trained[name].dim() > 1)


def test_true_size_shows_what_frugality_saves(monkeypatch: pytest.MonkeyPatch, capsys, tmp_path):
    networks = Diffusers(small_checkpoint("sd1", tmp_path))
    monkeypatch.setattr(true_size, "prior", lambda *_: networks)
    shape, recipe = (4, 3, 64, 64), Recipe(rank=2)
    true_size.main(kinds="sd1", frames="4", size=64, epochs=0)
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("| sd1")]
    assert [row[3].strip() for row in rows] == ["False", "True"]
    assert float(rows[1][4]) < float(rows[0][4])
    peak, epoch, *parts, look = map(float, true_size.measured(networks, shape, recipe, torch.device("cpu"), 1))
    assert min(peak, epoch, *parts, look) > 0
    assert len(parts) == 3


def test_a_run_is_written_once_and_shown_in_a_table(tmp_path):
    write(tmp_path / "pan", Clip.steady(moving_clip(8, 40), 25), bits=16)
    arguments = (tmp_path / "pan", "mask", "telea", "0:8", "40", "none", tmp_path / "runs", 1)
    file = run(*arguments)
    before = file.stat().st_mtime_ns
    assert run(*arguments) == file
    assert file.stat().st_mtime_ns == before
    content = json.loads(file.read_text())
    assert content["score"]["psnr"] > 20
    assert not is_oracle("telea")
    shown = table(load([file]), "psnr", ["mask"], ["telea"])
    assert f"{content['score']['psnr']:.4g}" in shown
