"""Registers: each operation is numpy's, in both precisions."""

from inspect import unwrap

import numpy as np
import pytest
from numba import njit

from oneseed import lanes
from oneseed.lanes import (
    add,
    add_times,
    arrangement,
    beside,
    dot,
    fold,
    load,
    multiply,
    repeat,
    spread,
    store,
    subtract,
    times,
)

PRECISIONS = pytest.mark.parametrize("real", [np.float32, np.float64])


def run(function, *arguments):
    return njit(unwrap(function))(*arguments)


def numbers(real, count: int = 24):
    return np.random.default_rng(0).standard_normal(count).astype(real)


@PRECISIONS
def test_numbers_go_in_and_come_out_where_they_should(real):
    def move(x, y):
        store(y, 3, load(x, 5, 4))

    x, y = numbers(real), np.zeros(12, real)
    run(move, x, y)
    assert np.array_equal(y, [0, 0, 0, *x[5:9], 0, 0, 0, 0, 0])


@PRECISIONS
def test_sums_and_products(real):
    def compute(x, y):
        one, other = load(x, 0, 4), load(x, 4, 4)
        store(y, 0, add(one, other))
        store(y, 4, subtract(one, other))
        store(y, 8, multiply(one, other))
        store(y, 12, times(x[9], one))
        store(y, 16, add_times(x[9], one, other))
        y[20] = dot(one, other)

    x, y = numbers(real), np.zeros(24, real)
    run(compute, x, y)
    one, other = x[:4], x[4:8]
    expected = [one + other, one - other, one * other, x[9] * one, x[9] * one + other, [one @ other, 0, 0, 0]]
    np.testing.assert_allclose(y, np.concatenate(expected), rtol=1e-5)


@PRECISIONS
def test_wider_and_narrower(real):
    def compute(x, y):
        wide = spread((x[0], x[1], x[2], x[3]), 4)
        store(y, 0, wide)
        store(y, 16, repeat(load(x, 0, 4), wide))
        store(y, 32, fold(load(x, 0, 16), 4))
        store(y, 36, load(x, 4, wide))

    x, y = numbers(real), np.zeros(52, real)
    run(compute, x, y)
    np.testing.assert_allclose(y[:16], x[:4].repeat(4))
    np.testing.assert_allclose(y[16:32], np.tile(x[:4], 4))
    np.testing.assert_allclose(y[32:36], x[:16].reshape(4, 4).sum(0), rtol=1e-5)
    np.testing.assert_allclose(y[36:], x[4:20])


@PRECISIONS
def test_in_another_order(real):
    turned = arrangement([3, None, 0, 0])

    def compute(x, y):
        store(y, 0, turned(load(x, 5, 4)))
        store(y, 4, beside(load(x, 9, 4), load(x, 0, 4)))

    x, y = numbers(real), np.full(12, np.nan, real)
    run(compute, x, y)
    assert np.array_equal(y, [x[8], 0, x[5], x[5], *x[9:13], *x[:4]])


def test_lanes_of_one_kind_are_one_type():
    from numba import types

    assert lanes.Lanes(types.float32, 4) == lanes.Lanes(types.float32, 4)
    assert lanes.Lanes(types.float32, 4) != lanes.Lanes(types.float64, 4)
