"""The end of a run: what was held out chooses, all that was measured counts."""

import dataclasses
from functools import partial

import pytest
import torch
from tests.small_problem import moving, rightwards
from torch import Tensor

from oneseed import finish
from oneseed.choice import Judge
from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.least_squares import Terms, iterates

REFINING = {
    "spread": 1.0,
    "noise": 0.005,
    "gradient_sd": 0.08,
    "contrast": 0.03,
    "colour": 1.5,
    "motion_sd": 0.056,
    "near_sd": 0.03,
    "reach": 1,
    "interpolation": "cubic",
    "rounds": 2,
    "steps": 5,
}


def refined(y: Tensor, A: Degradation, x: Tensor, **changes: object) -> Tensor:
    given: dict = REFINING | {"seen": some_seen(y), "used": torch.ones_like(y)} | changes
    return finish.refine(y, A, x, rightwards, **given)


def some_seen(y: Tensor) -> Tensor:
    return (torch.rand(y.shape, generator=torch.Generator().manual_seed(3)) > 0.2).to(y)


@pytest.mark.parametrize(
    ("name", "other"),
    [("noise", 0.1), ("gradient_sd", 0.01), ("contrast", 0.3), ("colour", 1.0), ("motion_sd", 0.01), ("near_sd", 0.3),
     ("reach", 2), ("rounds", 1), ("steps", 2), ("spread", 3.0)],
)  # fmt: skip
def test_every_setting_of_refine_acts(draw, name: str, other: float):
    truth, A = moving(draw, 3, 20), Mask(0.5)
    y, x = A(truth), truth + 0.05 * draw(*truth.shape)
    before, after = refined(y, A, x), refined(y, A, x, **{name: other})
    assert not torch.equal(before, after)


def test_refining_brings_a_good_video_onto_the_measurements(draw):
    truth, A = moving(draw, 4), Downsample(4)
    y, x = A(truth), truth + 0.1 * (draw(*truth.shape) - 0.5)
    before = x.clone()
    after = refined(y, A, x, steps=25)
    assert (A(after) - y).square().mean() < 0.1 * (A(x) - y).square().mean()
    assert (after - truth).square().mean() < 0.7 * (x - truth).square().mean()
    assert torch.equal(x, before)


def test_colour_counts_in_the_solve_and_in_what_is_an_edge(draw, monkeypatch):
    told: list[float] = []
    solve, edges = finish.solve, finish.edges
    monkeypatch.setattr(finish, "solve", lambda *given: (told.append(given[3].colour), solve(*given))[1])
    monkeypatch.setattr(finish, "edges", lambda *given: (told.append(given[3]), edges(*given))[1])
    y = draw(2, 3, 16, 16)
    refined(y, Mask(0.5), y, seen=torch.ones_like(y), rounds=1)
    assert told == [REFINING["colour"]] * 2


@pytest.mark.parametrize("wrong", [{"motion_sd": 1.0}, {"gradient_sd": 0.01}, {"motion_sd": 0.002}], ids=str)
def test_what_was_held_out_chooses_better_strengths(draw, wrong: dict[str, float]):
    """Pixels missing in a texture that moves by whole pixels: motion explains all of it, smoothness little."""
    truth, A = moving(draw, 4), Mask(0.5)
    y = A(truth)
    x = torch.nn.functional.avg_pool2d(truth, 5, 1, 2)
    strict = {"near_sd": 10.0, "steps": 25, "noise": 0.001} | wrong
    fixed, chosen = (refined(y, A, x, **strict, spread=spread) for spread in (1.0, 3.0))
    assert (chosen - truth).square().mean() < 0.9 * (fixed - truth).square().mean()


@pytest.mark.parametrize("rest", [0.0, 1.0])
def test_the_choice_is_made_without_what_is_held_out_and_the_end_with_what_may_be_used(draw, rest: float):
    """Measurements that are held out and wrong change what is chosen and what comes out, but no attempt."""
    truth, A = moving(draw, 3, 20), Mask(0.3)
    y = A(truth)
    seen, videos = some_seen(y), []
    used = torch.where(seen > 0, 1.0, rest)
    plain = finish.solve

    def watched(y: Tensor, degrade, x: Tensor, terms: Terms, steps: int) -> Tensor:
        videos.append((y.clone(), plain(y, degrade, x, terms, steps)))
        return videos[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finish, "solve", watched)
        refined(y, A, 0.9 * truth, seen=seen, used=used, spread=2.0)
    tried, rounds = videos[: -REFINING["rounds"]], videos[-REFINING["rounds"] :]
    assert 4 <= len(tried) <= 18
    assert all(torch.equal(given, y * seen) for given, _ in tried)
    assert all(torch.equal(given, y * used) for given, _ in rounds)


@pytest.mark.parametrize("noise", [0.0, 9.0])
@pytest.mark.parametrize("best", [(1, 1, 1), (2, 1, 1), (0.5, 1, 3), (1, 2, 3), (2, 0.5, 1)], ids=str)
def test_the_better_neighbour_is_found_and_beside_much_noise_only_a_weaker_one(best: tuple[float, ...], noise: float):
    y, now = torch.zeros(1, 1, 3, 3), finish._Strengths(1.0, 1.0)

    def attempt(strengths: finish._Strengths) -> Tensor:
        off = sum(abs(found - wanted) for found, wanted in zip(dataclasses.astuple(strengths), best, strict=True))
        return torch.full_like(y, off**0.5)

    judge = Judge(y, lambda x: x, torch.zeros_like(y), noise, y)
    found = dataclasses.astuple(judge.choose(attempt, now, partial(finish._moves, now, 2.0)).strengths)
    reached = (max(best[0], 1.0), max(best[1], 1.0), 1) if noise else best
    assert found == reached


def test_going_onto_noiseless_measurements_meets_them_and_keeps_what_they_do_not_see(draw):
    truth, x = draw(4, 3, 8, 8, dtype=torch.float64), draw(4, 3, 8, 8, dtype=torch.float64)
    A = TemporalBlur(3).then(Mask(0.5))
    found = finish.onto(A(truth), A, x, 0.0, 60)
    torch.testing.assert_close(A(found), A(truth), rtol=0, atol=1e-6)
    unseen = ~Mask(0.5).keep((4, 3, 8, 8)).expand(4, 3, 8, 8)
    assert torch.equal(found[unseen], x[unseen])
    found = finish.onto(A(truth), A, x, 0.0, 1)
    assert 1e-3 < (A(found) - A(truth)).abs().max() < (A(x) - A(truth)).abs().max()


def test_going_onto_noisy_measurements_ends_as_soon_as_they_are_met_to_within_their_noise(draw):
    A, truth, noise = TemporalBlur(3), draw(8, 3, 8, 8, dtype=torch.float64), 0.02
    y = A(truth) + noise * torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x = torch.full_like(truth, 0.5)
    gaps = [(A(one) - y).square().mean().sqrt().item() for one in iterates(y, A, x, Terms(noise=0.0), 40)]
    found = finish.onto(y, A, x, noise, 40)
    assert (A(found) - y).square().mean().sqrt().item() == next(gap for gap in gaps if gap <= noise)
    assert finish.onto(y, A, found, noise, 40) is found
