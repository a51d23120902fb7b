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
from oneseed.differences import bends, slopes
from oneseed.least_squares import Terms
from oneseed.normal import Normal, add_smoothness, each_measured, smoothness
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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "size", [(2, 3, 6, 7), (1, 1, 5, 4), (1, 3, 2, 3), (1, 2, 1, 5), (1, 3, 4, 1), (1, 1, 1, 1)], ids=str
)
@pytest.mark.parametrize("edges", [True, False])
def test_smoothness_in_one_pass_is_that_of_its_parts(draw, edges: bool, size: tuple[int, ...], dtype: torch.dtype):
    x, total = draw(*size, dtype=dtype), draw(*size, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weights = None
    if edges:
        weights = [draw(*d.shape, dtype=dtype) for d in (*slopes(x[:, :1]), *bends(x[:, :1]))]
    expected = total + 0.7 * smoothness(x, weights, 3.0)
    add_smoothness(total, x, weights, 3.0, 0.7)
    torch.testing.assert_close(total, expected)


def test_smoothness_of_other_precisions_is_that_of_its_parts(draw):
    x, total = draw(1, 3, 5, 4).bfloat16(), torch.zeros(1, 3, 5, 4, dtype=torch.bfloat16)
    add_smoothness(total, x, None, 3.0, 1.0)
    assert torch.equal(total, smoothness(x, None, 3.0))


def test_motion_by_fractions_of_a_pixel_counts_for_more_than_it_does(draw):
    expected, found = diagonals(Fading(), some_terms(draw))
    assert (found >= 0.999 * expected).all()
    assert (found < 2.5 * expected).all()


def test_a_pixel_that_nothing_speaks_of_has_a_scale_all_the_same():
    expected, found = diagonals(Mask(0.5), Terms(noise=0.1))
    assert (expected == 0).any()
    assert (found > 0).all()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
