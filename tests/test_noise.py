"""Noise: its spread, where it comes from, and levels that are refused."""

import pytest
import torch

from oneseed.errors import RequestError
from oneseed.noise import add_noise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noise_has_the_standard_deviation_asked_for():
    y = torch.full((4, 3, 64, 64), 0.5)
    added = add_noise(y, 0.1, generator()) - y
    assert abs(float(added.std()) - 0.1) < 1e-3
    assert abs(float(added.mean())) < 2e-3


def test_noise_is_not_clamped():
    noisy = add_noise(torch.zeros(1, 3, 16, 16), 0.1, generator())
    assert noisy.min() < 0


def test_the_same_generator_gives_the_same_noise_in_every_type():
    y = torch.zeros(1, 3, 8, 8)
    single = add_noise(y, 0.1, generator())
    assert torch.equal(single, add_noise(y, 0.1, generator()))
    assert not torch.equal(single, add_noise(y, 0.1, generator(1)))
    double = add_noise(y.double(), 0.1, generator())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double, single.double())


def test_no_noise_changes_nothing():
    y = torch.rand(1, 3, 8, 8, generator=generator())
    assert torch.equal(add_noise(y, 0.0, generator()), y)


@pytest.mark.parametrize("sigma", [-1.0, float("nan"), float("inf"), 1.5])
def test_levels_outside_zero_and_one_are_refused(sigma: float):
    with pytest.raises(RequestError, match=rf"^--noise is {sigma:g}; a standard deviation on the \[0, 1\] scale"):
        add_noise(torch.zeros(1, 3, 8, 8), sigma, generator())


def test_a_level_of_255_is_translated():
    with pytest.raises(RequestError, match=r"Of 255 levels, 25 would be 0\.098\."):
        add_noise(torch.zeros(1, 3, 8, 8), 25.0, generator())
