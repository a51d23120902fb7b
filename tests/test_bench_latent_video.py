"""Latent video as the two rivals share it: its steps, its conjugate gradients, and what a wrong adjoint does to them."""

from dataclasses import replace

import pytest
import torch
from bench import latent_video
from bench.rivals import latent_as_released, latent_consistent
from bench.tasks import Measurement, measure
from tests.moving_clip import moving_clip
from tests.toy_prior import ToyPrior

from oneseed.ddim import reverse
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.degrade.temporal_blur import TemporalBlur


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(latent_video, "NFE", 10)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ToyPrior:
    prior = ToyPrior()
    monkeypatch.setattr(latent_video, "load_prior", lambda *_: prior)
    return prior


def error(x, clean) -> float:
    return (x - clean).square().mean().item()


def test_one_step_until_t_is_the_mean_that_the_prior_expects(toy):
    z, t, a = torch.randn(1, 4, 4, 4), 281, toy.schedule.abar[281]
    expected = (z - (1 - a) ** 0.5 * toy.eps(z, t)) / a**0.5
    torch.testing.assert_close(latent_video.until(toy, t).reverse(z, 1, "trailing"), expected)
    assert len(toy.schedule.abar) == 1000


def test_a_leap_without_fresh_noise_is_the_one_of_the_prior(toy, monkeypatch):
    z, fresh, a, a_next = (
        torch.randn(1, 4, 4, 4),
        torch.randn(1, 4, 4, 4),
        toy.schedule.abar[281],
        toy.schedule.abar[241],
    )
    z0 = latent_video.until(toy, 281).reverse(z, 1, "trailing")
    found = latent_video.leap(z, z0, z0, fresh, a, a_next)
    assert not torch.allclose(latent_video.leap(z, z0, z0, -fresh, a, a_next), found)
    monkeypatch.setattr(latent_video, "ETA", 0.0)
    ddim = replace(toy.schedule, abar=toy.schedule.abar[:282], final=a_next)
    expected = reverse(z, toy.eps, ddim, 1)
    torch.testing.assert_close(latent_video.leap(z, z0, z0, fresh, a, a_next), expected)


@pytest.mark.parametrize("eta", [0.2, 1.0])
def test_a_leap_keeps_the_noise_at_its_strength(eta, monkeypatch):
    monkeypatch.setattr(latent_video, "ETA", eta)
    generator = torch.Generator().manual_seed(1)
    s, fresh = torch.randn(2, 1, 4, 100, 100, generator=generator)
    z0 = torch.zeros_like(s)
    left = latent_video.leap(0.4**0.5 * s, z0, z0, fresh, 0.6, 0.8)
    torch.testing.assert_close(left.var(), torch.tensor(0.2), rtol=0.03, atol=0)
    alone = latent_video.leap(z0, z0, z0, fresh, 0.6, 0.8)
    torch.testing.assert_close(alone, eta * (0.5 * 0.25) ** 0.5 * fresh)  # DDIM's eq 16


@pytest.mark.parametrize("knob", ["LOW_PASS", "CG_STEPS", "ETA", "START"])
def test_every_number_of_the_latent_ones_acts(knob, toy, monkeypatch):
    given = measure(moving_clip(2, 32), "motion-blur")
    before = latent_consistent.restore(given).x
    monkeypatch.setattr(latent_video, knob, 2 * getattr(latent_video, knob))
    assert not torch.allclose(latent_consistent.restore(given).x, before, atol=1e-4)


def test_the_low_pass_keeps_the_mean_and_has_its_width():
    dot = torch.zeros(1, 3, 33, 33)
    dot[..., 16, 16] = 1
    spread = latent_video.low_pass(dot, 1.2)
    places = (torch.arange(33) - 16.0).square()
    torch.testing.assert_close(spread.sum((2, 3)), torch.ones(1, 3))
    torch.testing.assert_close((spread.sum(2) * places).sum(-1), torch.full((1, 3), 1.44), rtol=0.01, atol=0)


def test_the_gradients_solve_with_the_true_adjoint_and_not_with_the_released_one():
    clean = moving_clip(8, 32)
    given = measure(clean, "motion-blur")
    begin = torch.full_like(clean, 0.5)
    adjoints = {
        True: lambda y: given.degrade.adjoint(y, given.shape),
        False: lambda y: latent_as_released.adjoint(given, y),
    }
    found = {true: latent_video.conjugate_gradients(given, begin, adjoint) for true, adjoint in adjoints.items()}
    assert error(found[True], clean) < 0.4 * error(begin, clean)
    assert error(found[False], clean) > error(begin, clean)
    assert found[False].isfinite().all()
    assert found[False].min() >= 0
    assert found[False].max() <= 1


def test_as_released_is_worse_on_motion_blur():
    clean = moving_clip(3, 64)
    given = measure(clean, "motion-blur")
    wrong, true = latent_as_released.restore(given).x, latent_consistent.restore(given).x
    assert wrong.isfinite().all()
    assert error(true, clean) < 0.4 * error(clean.mean(), clean) < 0.4 * error(wrong, clean)


def test_the_gradients_end_where_rounding_begins():
    given = measure(moving_clip(8, 32), "downsample")
    begin = torch.full(given.shape, 0.5)
    found = latent_video.conjugate_gradients(given, begin, lambda y: given.degrade.adjoint(y, given.shape))
    torch.testing.assert_close(given.degrade(found), given.y, rtol=0, atol=1e-3)


def test_what_left_all_bounds_is_a_picture_again():
    given = measure(moving_clip(2, 32), "mask")
    beyond = latent_video.conjugate_gradients(given, given.y, lambda y: y * float("inf"))
    assert beyond.isfinite().all()


def test_the_released_adjoints(draw):
    y = draw(7, 3, 36, 36)
    nothing = Measurement(y, MotionBlur(), 0.0)
    assert torch.equal(latent_as_released.adjoint(nothing, y), y)
    both = Measurement(y, TemporalBlur().then(MotionBlur()), 0.0)
    torch.testing.assert_close(latent_as_released.adjoint(both, y), TemporalBlur().adjoint(y, y.shape))
    holes = Measurement(y, Mask(), 0.0)
    torch.testing.assert_close(latent_as_released.adjoint(holes, y), Mask()(y))
    small = Measurement(y, Downsample(factor=2), 0.0)
    torch.testing.assert_close(latent_as_released.adjoint(small, y), 4 * small.degrade.adjoint(y, small.shape))
    last_first = Measurement(y, Mask().then(Downsample(factor=2)), 0.0)
    expected = 4 * last_first.degrade.adjoint(y, last_first.shape)
    torch.testing.assert_close(latent_as_released.adjoint(last_first, y), expected)
