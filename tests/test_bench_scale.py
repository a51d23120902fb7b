"""What the benches of workers and warm starts compute, on paper and small."""

import pytest
import torch
from bench.scale import film
from bench.warm import Course, Memory, search
from tests.moving_clip import moving_clip

from oneseed.journal import Baton
from oneseed.presets import preset


def test_a_film_takes_as_many_rounds_as_workers_need():
    hours, pieces = film(3600.0, 512 * 512, 1)
    assert pieces == 7200 * 12
    assert hours == pieces
    assert film(3600.0, 512 * 512, 8)[0] == pieces / 8
    assert film(3600.0, 512 * 512, 7)[0] == -(-pieces // 7)
    assert film(900.0, 256 * 256, 64)[0] == pytest.approx(pieces / 64)
    assert film(3600.0, 512 * 512, 1, frames=28)[1] == 2 * 12
    assert film(3600.0, 512 * 512, 1, frames=28, height=512, width=992)[1] == 2 * 2


def test_courses_meet_where_one_is_as_good_as_the_other_ends():
    cold, warm = Course([1.0, 2.0, 3.0], [9.0, 4.0, 2.0]), Course([2.0, 2.5, 3.0, 4.0], [3.0, 2.5, 2.4, 2.0])
    assert warm.first(cold) == (2, 3)
    assert cold.first(warm) == (None, 2)


def test_what_one_window_learnt_reaches_the_next():
    x, recipe = moving_clip(28), preset("paper").but({"epochs": 4, "warp_from": 2})
    first = Memory()
    search("mask", x, 0, recipe, first)
    cold = search("mask", x, 12, recipe, Memory())
    warm = search("mask", x, 12, recipe, Memory(Baton(first.learnt, 12)))
    assert len(cold.data) == len(cold.psnr) == 5
    assert len(warm.data) == 3
    assert warm.data[0] < cold.data[0]
    torch.testing.assert_close(cold.data, search("mask", x, 12, recipe, Memory()).data)
