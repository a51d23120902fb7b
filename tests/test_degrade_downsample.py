"""Downsample: the exact mean, and frames that it does not fit."""

import pytest
import torch

from oneseed.degrade.downsample import Downsample
from oneseed.errors import RequestError


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_each_pixel_is_the_mean_of_its_square(factor: int):
    x = torch.rand(2, 3, 24, 36, generator=torch.Generator().manual_seed(0))
    squares = x.view(2, 3, 24 // factor, factor, 36 // factor, factor)
    torch.testing.assert_close(Downsample(factor)(x), squares.mean((3, 5)))


def test_the_adjoint_spreads_each_pixel_over_its_square():
    y = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    spread = y.repeat_interleave(4, 2).repeat_interleave(4, 3) / 16
    torch.testing.assert_close(Downsample(4).adjoint(y, (2, 3, 16, 20)), spread)


def test_frames_that_do_not_divide_are_refused_with_the_size_that_does():
    said = "frames are 854x480; downsample:factor=3 needs both sides divisible by 3. Add --size 852x480."
    with pytest.raises(RequestError) as refused:
        Downsample(3).measured_shape((1, 3, 480, 854))
    assert str(refused.value) == said
    with pytest.raises(RequestError, match="852x480"):
        Downsample(3)(torch.zeros(1, 3, 480, 854))


def test_frames_smaller_than_the_square_are_refused():
    with pytest.raises(RequestError, match="smaller factor"):
        Downsample(8).measured_shape((1, 3, 4, 16))


@pytest.mark.parametrize("factor", [1, 0, -2])
def test_factors_that_shrink_nothing_are_refused(factor: int):
    with pytest.raises(RequestError, match=f"downsample:factor={factor}; the factor is at least 2"):
        Downsample(factor)
