"""The rivals with a diffusion model and the untrained network: each restores, the same every time, and does what it says."""

from dataclasses import replace
from types import ModuleType

import pytest
import torch
from bench import latent_video
from bench.rivals import batch_consistent, deep_image_prior, latent_as_released, latent_consistent, per_frame_seeds
from bench.tasks import measure
from bench.weights import gap
from tests.moving_clip import moving_clip
from tests.toy_prior import ToyPrior
from torch.nn import functional as F

TASK = {
    per_frame_seeds: "mask",
    deep_image_prior: "mask",
    batch_consistent: "mask",
    latent_consistent: "mask",
    latent_as_released: "downsample",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(per_frame_seeds, "EPOCHS", 2)
    monkeypatch.setattr(deep_image_prior, "EPOCHS", 40)
    monkeypatch.setattr(batch_consistent, "STEPS", 4)
    monkeypatch.setattr(latent_video, "NFE", 10)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ToyPrior:
    prior = ToyPrior()
    for module in (per_frame_seeds, latent_video):
        monkeypatch.setattr(module, "load_prior", lambda *_: prior)
    return prior


def error(x, clean) -> float:
    return (x - clean).square().mean().item()


def name(module: ModuleType) -> str:
    return module.__name__.split(".")[-1]


SIZE = {deep_image_prior: 32, batch_consistent: 32, latent_consistent: 64, latent_as_released: 64}


@pytest.mark.parametrize("rival", SIZE, ids=name)
def test_every_one_comes_nearer_than_grey(rival):
    clean = moving_clip(3, SIZE[rival])
    found = rival.restore(measure(clean, TASK[rival]))
    assert found.x.shape == clean.shape
    assert not found.x.requires_grad
    assert found.epochs > 1
    assert error(found.x, clean) < 0.4 * error(clean.mean(), clean)


def test_seeds_are_found_of_what_the_prior_can_make(toy, monkeypatch):
    """`tiny` would take too long."""
    monkeypatch.setattr(per_frame_seeds, "EPOCHS", 40)
    monkeypatch.setattr(per_frame_seeds, "LR", 0.1)
    clean = toy.decode_tail(toy.decode_body(toy.encode(moving_clip(3, 32))))
    found = per_frame_seeds.restore(measure(clean, "mask"))
    assert not found.x.requires_grad
    assert found.epochs == 40
    assert error(found.x, clean) < 0.1 * error(clean.mean(), clean)


@pytest.mark.parametrize("rival", TASK, ids=name)
def test_every_one_is_the_same_every_time_and_takes_any_size(rival, toy, monkeypatch):
    monkeypatch.setattr(deep_image_prior, "EPOCHS", 2)
    given = measure(moving_clip(3, 36)[..., :20], TASK[rival])
    first = rival.restore(given).x
    torch.rand(1)  # whatever others draw
    assert torch.equal(rival.restore(given).x, first)
    assert first.shape == (3, 3, 36, 20)


def test_the_gradient_frame_by_frame_is_the_plain_one(toy):
    given = measure(moving_clip(8, 20), "temporal-blur")
    z = torch.randn(8, *toy.seed_shape(20, 20)).requires_grad_()
    (found,) = torch.autograd.grad(per_frame_seeds.loss(given, toy, z), z)
    x = toy.decode_tail(toy.decode_body(toy.reverse(z, per_frame_seeds.STEPS, "trailing")))[..., :20, :20]
    (plain,) = torch.autograd.grad(F.mse_loss(given.degrade(x), given.y), z)
    torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-7)


def test_one_graph_lives_at_a_time(toy, monkeypatch):
    """What is kept for the way back grows with the frames only by the frames themselves."""
    kept: list[int] = []

    def pack(tensor):
        kept.append(tensor.numel())
        return tensor

    z = torch.randn(8, *toy.seed_shape(16, 16)).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        per_frame_seeds.video(toy, z, 16, 16)
    assert sum(kept) <= 2 * z.numel()


def test_the_untrained_network_stops_at_the_noise(monkeypatch):
    given = replace(measure(moving_clip(8, 32), "mask+noise"), noise=0.15)
    average = deep_image_prior.restore(given).x
    monkeypatch.setattr(deep_image_prior, "AVERAGE", 0.0)
    stopped = deep_image_prior.restore(given)
    assert 1 < stopped.epochs < deep_image_prior.EPOCHS
    assert gap(given, stopped.x) <= given.noise < gap(given, average)
    monkeypatch.setattr(deep_image_prior, "EPOCHS", stopped.epochs - 1)
    assert gap(given, deep_image_prior.restore(given).x) > given.noise


def test_exact_data_are_met_and_noise_is_not_fitted(monkeypatch):
    clean = moving_clip(8, 32)
    exact, noisy = (measure(clean, task) for task in ("mask", "temporal-blur+noise"))
    found = batch_consistent.restore(exact).x
    torch.testing.assert_close(exact.degrade(found), exact.y, rtol=0, atol=1e-5)
    near = batch_consistent.restore(noisy).x
    assert 0.5 * noisy.noise < gap(noisy, near) < 1.5 * noisy.noise
    monkeypatch.setattr(batch_consistent, "DOUBT", 1e6)
    assert error(near, clean) < 0.5 * error(batch_consistent.restore(noisy).x, clean)


@pytest.mark.parametrize("rival", [batch_consistent, latent_consistent], ids=name)
def test_frames_that_were_measured_alike_stay_alike(rival, toy):
    """Noise is shared: nothing but the measurements tells frames apart."""
    still = moving_clip(1, 32).expand(3, -1, -1, -1)
    found = rival.restore(measure(still, "mask")).x
    torch.testing.assert_close(found, found[:1].expand_as(found), rtol=0, atol=1e-5)


@pytest.mark.parametrize("knob", ["CG_STEPS", "ETA", "STRONGEST", "WEAKEST", "DOUBT"])
def test_every_number_of_the_pixel_one_acts(knob, monkeypatch):
    given = measure(moving_clip(2, 32), "motion-blur+noise")
    before = batch_consistent.restore(given).x
    monkeypatch.setattr(batch_consistent, knob, 2 * getattr(batch_consistent, knob))
    assert not torch.allclose(batch_consistent.restore(given).x, before, atol=1e-4)
