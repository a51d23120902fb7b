"""Products of small matrices are numpy's, in both precisions, wherever the numbers lie."""

from inspect import unwrap

import numpy as np
import pytest
from numba import njit

from oneseed.products import product

ROWS, COUNT, DEPTH = 3, 8, 5


@pytest.mark.parametrize("onto", [False, True])
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_a_product_is_numpys(real, onto: bool):
    multiplied = product(ROWS, COUNT, onto)

    def compute(out, left, right, steps):
        multiplied(out, 2, 10, left, 1, 7, 2, right, 3, steps)

    random = np.random.default_rng(0)
    out, left, right = (random.standard_normal(size).astype(real) for size in (2 + ROWS * 10, 40, 90))
    steps, before = np.array([0, 40, 11, 60, 25]), out.copy()
    njit(unwrap(compute))(out, left, right, steps)
    lefts = np.array([[left[1 + 7 * p + 2 * d] for d in range(DEPTH)] for p in range(ROWS)])
    expected, rows = lefts @ np.array([right[3 + step : 3 + step + COUNT] for step in steps]), before.copy()
    for p in range(ROWS):
        place = slice(2 + 10 * p, 2 + 10 * p + COUNT)
        rows[place] = expected[p] + (before[place] if onto else 0)
    np.testing.assert_allclose(out, rows, rtol=1e-5, atol=1e-6)


def test_of_no_depth_it_is_nothing():
    multiplied = product(ROWS, COUNT, onto=False)
    out, none = np.full(ROWS * COUNT, np.nan), np.empty(0, np.int64)
    njit(lambda out, none: multiplied(out, 0, COUNT, out, 0, 1, 1, out, 0, none))(out, none)
    assert np.array_equal(out, np.zeros_like(out))
