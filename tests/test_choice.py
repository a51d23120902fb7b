"""Held-out measurements choose: only by what is sure, and only where they can judge."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from oneseed.choice import Attempt, Judge, Moves, larger_or_smaller, only
from oneseed.degrade.downsample import Downsample


@dataclass(frozen=True)
class Strengths:
    one: float = 1.0
    two: float = 1.0


def moves(judged: bool) -> Moves:
    return [larger_or_smaller(field, 1.0, 2.0, judged) for field in ("one", "two")]


def chosen(error: Callable[[Strengths], float], noise: float = 0.0, mixes: bool = False) -> Strengths:
    """What a judge chooses whose every held-out error is the given one, from pixels as they are or from means of them."""
    y = torch.zeros(1, 1, 4, 4)

    def solve(strengths: Strengths) -> Tensor:
        return torch.full((1, 1, 8, 8) if mixes else (1, 1, 4, 4), error(strengths) ** 0.5)

    A = Downsample(2) if mixes else lambda x: x
    return Judge(y, A, torch.zeros_like(y), noise, solve(Strengths())).choose(solve, Strengths(), moves).strengths


@pytest.mark.parametrize("noise", [0.0, 9.0])
@pytest.mark.parametrize("best", [(1, 1), (2, 1), (0.5, 1), (1, 2), (2, 0.5)], ids=str)
def test_the_better_neighbour_is_found_and_beside_much_noise_only_a_weaker_one(best: tuple[float, float], noise: float):
    def error(strengths: Strengths) -> float:
        return sum(abs(found - wanted) for found, wanted in zip(dataclasses.astuple(strengths), best, strict=True))

    reached = (max(best[0], 1.0), max(best[1], 1.0)) if noise else best
    assert dataclasses.astuple(chosen(error, noise)) == reached


@pytest.mark.parametrize(("gain", "mixes", "moved"), [(0.04, False, True), (0.04, True, False), (0.06, True, True)])
def test_where_pixels_are_mixed_a_small_gain_changes_nothing(gain: float, mixes: bool, moved: bool):
    found = chosen(lambda strengths: 1.0 - gain * (strengths.one > 1), mixes=mixes)
    assert (found.one > 1) is moved


def test_small_differences_beside_much_noise_choose_nothing(draw):
    attempt = lambda errors: Attempt(Strengths(), torch.zeros(1, 1, 1, 1), errors)  # noqa: E731
    noise = draw(1000)
    assert not attempt(noise).beats(attempt(noise), 0.0)
    shaken = draw(1000)
    shaken = noise + shaken - shaken.mean() - 0.01  # better on the mean by 0.01, to within 0.01
    assert shaken.mean() < noise.mean()
    assert not attempt(shaken).beats(attempt(noise), 0.0)
    assert attempt(noise - 0.05 + 0.3 * (draw(1000) - 0.5)).beats(attempt(noise), 0.0)
    assert attempt(0.97 * noise).beats(attempt(noise), 0.02)
    assert not attempt(0.97 * noise).beats(attempt(noise), 0.04)  # certain, and too little


def test_only_what_was_held_out_judges(draw):
    y, seen = draw(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    assert not Judge(y, lambda x: x, seen, 0.0, y).holds_any
    seen[..., 1, 2] = 0
    judge = Judge(y, lambda x: x, seen, 0.0, y)
    assert judge.holds_any
    wrong = y + 5 * seen
    wrong[..., 1, 2] += 2
    torch.testing.assert_close(
        judge.choose(lambda strengths: wrong, Strengths(), lambda judged: []).errors, torch.tensor([4.0])
    )


def test_a_spread_of_one_tries_nothing():
    assert larger_or_smaller("one", 3.0, 1.0, True) == []
    assert larger_or_smaller("one", 3.0, 2.0, True) == [("one", 6.0), ("one", 1.5)]
    assert larger_or_smaller("one", 3.0, 2.0, False) == [("one", 6.0)]


def test_only_some_of_the_measurements(draw):
    x, used = draw(2, 3, 8, 8), (draw(2, 3, 4, 4) > 0.5).float()
    y = Downsample(2)(x)
    some, A = only(used, y, Downsample(2))
    torch.testing.assert_close(some, y * used)
    torch.testing.assert_close(A(x), some)
