"""What the normal equations know of single pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.fading import Fading
from tests.small_problem import SMALL, matrix, some_terms
from torch import Tensor

from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.least_squares import Terms
from oneseed.normal import Normal, each_measured
from oneseed.warp import Link, Warp


@pytest.mark.parametrize("A", [Mask(0.5), Mask(0.5, per_frame=True), Fading(), Mask(0.5).then(Fading())], ids=str)
def test_how_strongly_each_pixel_is_measured(draw, A: Degradation):
    x = draw(4, 3, 8, 8)
    found = each_measured(A, x)
    assert found is not None
    torch.testing.assert_close(found, A(torch.ones_like(x)).square())


@pytest.mark.parametrize(
    "A", [Downsample(2), TemporalBlur(3), MotionBlur(size=5), Mask(0.5).then(Downsample(2))], ids=str
)
def test_what_mixes_pixels_is_known(draw, A: Degradation):
    assert each_measured(A, draw(4, 3, 8, 8)) is None


def diagonals(A: Degradation, terms: Terms) -> tuple[Tensor, Tensor]:
    """As the matrix has it, and as it is said to be."""
    black = torch.zeros(SMALL, dtype=torch.float64)
    H, measured = Normal(A(black), A, terms, black), each_measured(A, black)
    assert measured is not None
    return torch.from_numpy(np.diag(matrix(H)).copy()).view(SMALL), H.diagonal(measured)


@pytest.mark.parametrize("edges", [True, False])
def test_the_diagonal_is_exact_where_no_pixels_are_mixed_and_motion_is_whole(draw, edges: bool):
    n, _, h, w = SMALL
    flow = torch.zeros(n - 1, 2, h, w, dtype=torch.float64)
    flow[:, 0] = 2
    links = [Link(1, Warp(flow), draw(n - 1, 1, h, w, dtype=torch.float64)),
             Link(-1, Warp(-flow, "cubic"), draw(n - 1, 1, h, w, dtype=torch.float64))]  # fmt: skip
    terms = replace(some_terms(draw), links=links)
    expected, found = diagonals(Mask(0.5).then(Fading()), terms if edges else replace(terms, edges=None))
    torch.testing.assert_close(found, expected)


def test_motion_by_fractions_of_a_pixel_counts_for_more_than_it_does(draw):
    expected, found = diagonals(Fading(), some_terms(draw))
    assert (found >= 0.999 * expected).all()
    assert (found < 2.5 * expected).all()


def test_a_pixel_that_nothing_speaks_of_has_a_scale_all_the_same():
    expected, found = diagonals(Mask(0.5), Terms(noise=0.1))
    assert (expected == 0).any()
    assert (found > 0).all()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
