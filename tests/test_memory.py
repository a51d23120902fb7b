"""What a run will hold: estimated against measured, and refused where it does not fit."""

import gc
from pathlib import Path

import pytest
import torch
from tests.small_checkpoints import small_checkpoint
from tests.small_tiny import small_tiny
from tests.toy_prior import ToyPrior
from torch.profiler import profile

from oneseed import memory
from oneseed.errors import RequestError
from oneseed.memory import estimate, free_bytes, require_memory
from oneseed.prior.base import Prior
from oneseed.prior.diffusers import Diffusers
from oneseed.prior.tiny import Tiny
from oneseed.recipe import Recipe
from oneseed.video import Video

CPU = torch.device("cpu")


def measured(prior: Prior, shape: tuple[int, int, int, int], recipe: Recipe) -> int:
    """The most that two epochs of the chain have allocated."""
    gc.collect()
    with profile(profile_memory=True) as seen:
        video = Video(prior, shape, recipe, torch.Generator(), CPU)
        adam = torch.optim.Adam(video.learnt(), foreach=False)
        for _ in range(2):
            video().square().mean().backward()
            adam.step()
            adam.zero_grad()
    held = most = 0
    for event in seen.profiler.kineto_results.events():  # type: ignore[union-attr]
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


@pytest.mark.parametrize("frugal", [False, True])
@pytest.mark.parametrize("kind", ["toy", "tiny", "diffusers"])
def test_the_estimate_is_what_an_epoch_takes(kind: str, frugal: bool, tmp_path: Path):
    priors = {
        "toy": ToyPrior,
        "tiny": lambda: Tiny(small_tiny(tmp_path)),
        "diffusers": lambda: Diffusers(small_checkpoint("sd1", tmp_path)),
    }
    prior, shape, recipe = priors[kind](), (6, 3, 96, 64), Recipe(rank=4, steps=2)
    prior.frugal = frugal
    found = estimate(prior, shape, recipe)
    assert found.epoch == pytest.approx(measured(prior, shape, recipe), rel=0.25)
    parts = [*prior.parameters(), *prior.buffers()]
    assert found.weights == sum(part.numel() * part.element_size() for part in parts)
    assert found.total > found.weights + found.epoch


def test_more_frames_and_more_pixels_take_more():
    small = estimate(ToyPrior(), (2, 3, 32, 32), Recipe()).total
    assert estimate(ToyPrior(), (4, 3, 32, 32), Recipe()).total > 1.5 * small
    assert estimate(ToyPrior(), (2, 3, 64, 64), Recipe()).total > 3 * small
    assert estimate(None, (2, 3, 32, 32), Recipe()).epoch == 0


def test_estimating_changes_nothing_and_leaves_no_tensor_without_content():
    prior, state = ToyPrior(), torch.get_rng_state()
    before = [part.clone() for part in prior.buffers()]
    estimate(prior, (2, 3, 32, 32), Recipe())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(before, prior.buffers(), strict=True))


def test_what_does_not_fit_is_refused_with_what_would(monkeypatch: pytest.MonkeyPatch):
    shape, frugal = (16, 3, 64, 64), ToyPrior()
    frugal.frugal = True
    needed = estimate(frugal, shape, Recipe()).total
    monkeypatch.setattr(memory, "free_bytes", lambda device: needed // 2)
    with pytest.raises(
        RequestError, match=r"^16 frames of 64x64 with this prior need about .* GiB; cpu has .* GiB free\. "
    ):
        require_memory(ToyPrior(), shape, Recipe(), CPU)
    with pytest.raises(
        RequestError, match=r"Try --window 4 or --tile 32x32 or --preset draft, which needs no prior\.$"
    ):
        require_memory(ToyPrior(), shape, Recipe(), CPU)
    monkeypatch.setattr(memory, "free_bytes", lambda device: needed)
    require_memory(ToyPrior(), shape, Recipe(), CPU)
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    with pytest.raises(RequestError, match=r"Try another machine\.$"):
        require_memory(None, shape, Recipe(), CPU)
    monkeypatch.setattr(memory, "free_bytes", lambda device: None)
    require_memory(ToyPrior(), shape, Recipe(), CPU)


def test_a_prior_is_frugal_only_where_it_must(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    prior, shape, recipe = Tiny(small_tiny(tmp_path)), (6, 3, 96, 64), Recipe(rank=4, steps=4)
    needed = {}
    for prior.frugal in (True, False):
        needed[prior.frugal] = estimate(prior, shape, recipe).total
    assert needed[True] < 0.9 * needed[False]
    known, plain = {}, memory.estimate  # each takes seconds

    def once(prior: Tiny, shape: tuple[int, int, int, int], recipe: Recipe) -> memory.Estimate:
        key = prior.frugal, shape
        known[key] = known.get(key) or plain(prior, shape, recipe)
        return known[key]

    monkeypatch.setattr(memory, "estimate", once)
    for free, frugal in ((2 * needed[False], False), (needed[True], True), (needed[False], True), (10**15, False)):
        monkeypatch.setattr(memory, "free_bytes", lambda device, free=free: free)
        require_memory(prior, shape, recipe, CPU)
        assert prior.frugal == frugal


def test_a_small_run_does_not_stay_frugal():
    prior = ToyPrior()
    prior.frugal = True
    require_memory(prior, (2, 3, 8, 8), Recipe(), CPU)
    assert not prior.frugal


def test_small_videos_are_not_looked_at_any_closer(monkeypatch: pytest.MonkeyPatch):
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(memory, "estimate", never)
    require_memory(ToyPrior(), (2, 3, 8, 8), Recipe(), CPU)


def test_what_is_free_is_told_here():
    free = free_bytes(CPU)
    assert free is not None
    assert 2**20 < free < 2**50
