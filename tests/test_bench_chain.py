"""The chain alone, with priors to compare it with, and the size of real checkpoints."""

import pytest
import torch
from bench import chain, methods, true_size
from bench.tasks import measure
from tests.moving_clip import moving_clip
from tests.small_checkpoints import small_checkpoint

from oneseed.prior.diffusers import Diffusers
from oneseed.recipe import Recipe


def test_the_chain_alone_shows_the_prior():
    clean = moving_clip(3, 32)
    given = measure(clean, "mask")
    short = "chain:fit_epochs=3,epochs=3"
    errors = {
        name: (methods.find(name).run(given, clean).x - clean).square().mean().item()
        for name in (short, f"{short}@random", f"{short},steps=0", "chain-from-noise:epochs=3")
    }
    assert errors[short] < 0.3 * errors[f"{short}@random"]
    assert len(set(errors.values())) == len(errors)
    for wrong in ("chain@magic", "draft@tiny"):
        with pytest.raises(ValueError, match=f"no method '{wrong}'; after @ comes tiny, random, first"):
            methods.find(wrong)
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
    values = [float(value) for value in true_size.measured(networks, shape, recipe, torch.device("cpu"), 1)]
    assert len(values) == len(true_size.COLUMNS)
    assert min(values) > 0
    networks.frugal = False
    assert true_size.whole_run(networks, 3, 64, torch.device("cpu"), 2) > 0
