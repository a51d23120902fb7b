"""Algorithm 1 and what stands around it: what each epoch shows, what may influence the result, and how a run ends."""

import dataclasses
import importlib
import inspect
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from tests.moving_clip import moving_clip
from tests.toy_prior import ToyPrior
from torch import Tensor

from oneseed import least_squares
from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.errors import DivergedError, RequestError
from oneseed.flow.dis import Dis
from oneseed.flow.still import Still
from oneseed.recipe import Recipe
from oneseed.restore import Epoch, _seen, optimise, restore

QUICK = Recipe(
    epochs=6, lr_seed=0.05, lr_residual=0.03, radius=0.05, warp_weight=0.5, warp_from=2, flow_every=2, first_steps=8,
    rounds=1, round_steps=5, reach=1, fit_epochs=3, hold_out=0.1, patience=0, finish_rounds=1, finish_steps=5, exact_steps=0,
)  # fmt: skip
POORLY_BEGUN = dataclasses.replace(QUICK, first_steps=1, rounds=0)  # leaves the chain something to do
PAPER = dataclasses.replace(
    QUICK, start="noise", follow_motion=False, hold_out=0.0, finish_rounds=0, warp_weight=0.1, radius=1.0
)


class Square(Degradation):
    """A camera with a curve, on top of low resolution: not linear."""

    linear = False

    def __init__(self):
        super().__init__()
        self.arguments = {}

    def forward(self, x: Tensor) -> Tensor:
        return Downsample(2)(x) ** 2

    def clean_shape(self, shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        return Downsample(2).clean_shape(shape)


class Fails(Degradation):
    """Numbers only for a while."""

    def __init__(self, calls: float):
        super().__init__()
        self.left = calls

    def forward(self, x: Tensor) -> Tensor:
        self.left -= 1
        return x if self.left >= 0 else x * torch.nan


def epochs_of(recipe: Recipe, A: Degradation | None = None, y: Tensor | None = None, **others: Any) -> list[Epoch]:
    A = A or Mask(0.5)
    return list(optimise(A(moving_clip()) if y is None else y, A, ToyPrior(), Dis(), recipe, **others))


def numbers(epochs: list[Epoch]) -> list[tuple[str, int]]:
    return [(epoch.phase, epoch.number) for epoch in epochs]


def test_a_run_has_a_start_a_fit_a_search_and_a_finish():
    epochs = epochs_of(QUICK)
    assert numbers(epochs) == [
        ("start", 0), *[("fit", n) for n in range(3)], *[("search", n) for n in range(3, 10)], ("finish", 9),
    ]  # fmt: skip
    assert numbers(epochs_of(PAPER)) == [*[("search", n) for n in range(7)], ("finish", 6)]


def test_an_epoch_says_what_it_did():
    A, truth = Mask(0.5), moving_clip()
    epochs = epochs_of(QUICK, A)
    searched = [epoch for epoch in epochs if epoch.phase == "search"]
    assert all(epoch.x.shape == truth.shape and not epoch.x.requires_grad for epoch in epochs)
    assert searched[-1].data_loss < searched[0].data_loss
    assert 0 < searched[-1].residual_rms <= QUICK.radius * 1.0001
    assert [epoch.warp_loss > 0 for epoch in searched] == [False, False, True, True, True, True, True]
    assert [epoch.visible_share > 0.5 for epoch in searched] == [False, False, True, True, True, True, True]
    for epoch in epochs[:-1]:
        assert epoch.held_out is not None
        mixed = 0.9 * epoch.data_loss + 0.1 * epoch.held_out  # near enough: a tenth is held out, by chance
        assert mixed == pytest.approx((A(epoch.x) - A(truth)).square().mean().item(), rel=0.2)
    assert epochs[-1].data_loss == pytest.approx((A(epochs[-1].x) - A(truth)).square().mean().item())
    assert epochs[-1].held_out is None


def test_the_output_is_from_after_the_last_step():
    one = epochs_of(dataclasses.replace(PAPER, epochs=1, warp_weight=0.0))
    assert numbers(one) == [("search", 0), ("search", 1), ("finish", 1)]
    assert not torch.equal(one[-1].x, one[0].x)
    assert torch.equal(one[-1].x, one[1].x)
    more = epochs_of(dataclasses.replace(PAPER, epochs=2, warp_weight=0.0))
    assert torch.equal(more[1].x, one[1].x)
    assert not torch.equal(more[2].x, more[1].x)


@pytest.mark.parametrize(("first_steps", "phase"), [(1, "search"), (20, "start")])
def test_the_video_that_predicts_best_is_kept_be_it_the_start(first_steps: int, phase: str):
    wild = dataclasses.replace(POORLY_BEGUN, lr_seed=2.0, epochs=10, finish_rounds=0, first_steps=first_steps)
    epochs = epochs_of(wild)
    best = min(epochs[:-1], key=lambda epoch: epoch.held_out or 0.0)
    assert best.phase == phase
    assert best is not epochs[-2]
    assert torch.equal(epochs[-1].x, best.x)


def test_patience_ends_the_search_when_nothing_improves():
    wild = dataclasses.replace(QUICK, lr_seed=1.0, epochs=30, patience=2, warp_weight=0.0)
    chain = epochs_of(wild)[1:-1]
    best = min(chain, key=lambda epoch: epoch.held_out or 0.0)
    assert len(chain) < 30
    assert chain[-1].number - best.number >= 2


def test_the_same_seed_gives_the_same_bytes():
    one, two = epochs_of(QUICK), epochs_of(QUICK)
    assert all(torch.equal(a.x, b.x) for a, b in zip(one, two, strict=True))
    other = epochs_of(dataclasses.replace(QUICK, seed=1))
    assert not torch.equal(one[-1].x, other[-1].x)


def test_a_run_neither_reads_nor_moves_the_global_generator():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = epochs_of(QUICK)[-1].x
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    assert torch.equal(epochs_of(QUICK)[-1].x, first)


def test_measurements_held_out_influence_nothing_before_the_finish():
    recipe = dataclasses.replace(QUICK, patience=0)
    A = Downsample(2)
    y = A(moving_clip())
    seen = _seen(y, recipe, torch.Generator().manual_seed(recipe.seed)).bool()
    assert 0.05 < (~seen).double().mean() < 0.15
    assert torch.equal(seen, seen[:, :1].expand_as(seen))  # whole pixels
    one, two = epochs_of(recipe, A, y), epochs_of(recipe, A, torch.where(seen, y, 1 - y))
    for a, b in zip(one[:-1], two[:-1], strict=True):
        assert torch.equal(a.x, b.x)
        assert a.data_loss == b.data_loss
        assert a.held_out != b.held_out
    assert not torch.equal(one[-1].x, two[-1].x)


def test_the_warping_loss_acts_from_its_first_epoch_on_and_not_before():
    quiet, loud = (epochs_of(dataclasses.replace(POORLY_BEGUN, warp_weight=weight)) for weight in (0.0, 5.0))
    equal = [torch.equal(a.x, b.x) for a, b in zip(quiet, loud, strict=True)]
    first = 1 + QUICK.fit_epochs + QUICK.warp_from  # the epoch that first feels it is still the same; its step is not
    assert equal[: first + 1] == [True] * (first + 1)
    assert not any(equal[first + 1 :])


def test_the_warping_loss_brings_frames_together(draw):
    """Noisy frames of a scene that stands still: nothing but warping ties them."""
    y = moving_clip()[:1].expand(4, -1, -1, -1) + 0.2 * (draw(4, 3, 24, 24) - 0.5)
    recipe = dataclasses.replace(PAPER, epochs=30, warp_from=0, lr_residual=0.1)

    def apart(weight: float) -> float:
        run = optimise(y, Fails(torch.inf), ToyPrior(), Still(), dataclasses.replace(recipe, warp_weight=weight))
        *_, last = run
        return last.x.diff(dim=0).square().mean().item()

    assert apart(10.0) < 0.5 * apart(0.0)


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_stop_ends_the_run_and_still_finishes(after: int):
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    epochs = epochs_of(QUICK, stop=stop)
    if after == 0:
        assert numbers(epochs) == [("start", 0)]
    else:
        assert numbers(epochs)[-2:] == [("fit" if after <= 3 else "search", after - 1), ("finish", after - 1)]
        assert epochs[-1].data_loss < epochs[-2].data_loss


def test_stop_works_from_noise_too():
    assert numbers(epochs_of(PAPER, stop=lambda: True)) == [("search", 0), ("finish", 0)]


def show(seen: list[Epoch], y: Tensor, A: Degradation, recipe: Recipe) -> None:
    """Run, keeping what was shown even if an error ends it."""
    for epoch in optimise(y, A, ToyPrior(), Dis(), recipe):
        seen.append(epoch)


@pytest.mark.parametrize("recipe", [QUICK, PAPER], ids=["ours", "paper"])
def test_leaving_the_numbers_raises_with_the_last_good_video(recipe: Recipe):
    wild = dataclasses.replace(recipe, lr_seed=1e20, lr_residual=1e20, radius=float("inf"))
    seen: list[Epoch] = []
    A = Mask(0.5)
    with pytest.raises(DivergedError, match=r"the loss is (nan|inf) at epoch \d+") as error:
        show(seen, A(moving_clip()), A, wild)
    assert error.value.frames.isfinite().all()
    assert any(torch.equal(error.value.frames, epoch.x) for epoch in seen)


def test_a_degradation_that_stops_giving_numbers_is_caught_at_once():
    seen: list[Epoch] = []
    with pytest.raises(DivergedError, match="the loss is nan at epoch 3") as error:
        show(seen, moving_clip(), Fails(3), PAPER)
    assert len(seen) == 3
    assert torch.equal(error.value.frames, seen[-1].x)


def test_a_start_that_is_no_number_ends_the_run():
    with pytest.raises(DivergedError, match="the start's error is nan"):
        next(optimise(moving_clip(), Fails(5), ToyPrior(), Dis(), QUICK))


def test_a_degradation_that_stops_giving_numbers_in_the_fit_is_caught_there():
    """The fit learns the start and not the data, and would go on without an end."""
    A = Fails(torch.inf)
    run = optimise(moving_clip(), A, ToyPrior(), Dis(), QUICK)
    start, fitted = next(run), next(run)
    assert (start.phase, fitted.phase) == ("start", "fit")
    A.left = 0
    with pytest.raises(DivergedError, match="the loss is nan at epoch 1") as error:
        next(run)
    assert torch.equal(error.value.frames, fitted.x)


def test_a_prior_that_never_gives_numbers_leaves_the_start():
    class Broken(ToyPrior):
        def decode_tail(self, feature: Tensor) -> Tensor:
            return super().decode_tail(feature) * torch.nan

    run = optimise(moving_clip(), Fails(torch.inf), Broken(), Dis(), QUICK)
    start = next(run)
    with pytest.raises(DivergedError) as error:
        next(run)
    assert torch.equal(error.value.frames, start.x)
    with pytest.raises(DivergedError) as error:
        next(optimise(moving_clip(), Fails(torch.inf), Broken(), Dis(), PAPER))
    assert error.value.frames is None


def test_noiseless_measurements_are_met_exactly_at_the_end():
    A = Downsample(2)
    rough, exact = (epochs_of(dataclasses.replace(QUICK, exact_steps=steps), A) for steps in (0, 20))
    assert torch.equal(rough[-2].x, exact[-2].x)
    assert exact[-1].data_loss < 1e-10 < rough[-1].data_loss


def test_noisy_measurements_are_met_to_within_their_noise(draw):
    A, truth, noise = Downsample(2), moving_clip(), 0.1
    y = A(truth) + noise * 12**0.5 * (draw(4, 3, 12, 12) - 0.5)
    last = epochs_of(dataclasses.replace(QUICK, finish_rounds=0, exact_steps=20), A, y, noise=noise)[-1]
    plain = epochs_of(dataclasses.replace(QUICK, finish_rounds=0), A, y, noise=noise)[-1]
    assert last.data_loss <= max(noise**2, plain.data_loss)
    exact = epochs_of(dataclasses.replace(QUICK, finish_rounds=0, exact_steps=20), A, y)[-1]
    assert exact.data_loss < 1e-10


def test_the_motion_is_looked_at_again_every_few_epochs_after_the_first():
    looks: list[int] = []
    seen: list[Epoch] = []

    class Counting(Dis):
        def estimate(self, here: Tensor, there: Tensor) -> Tensor:
            looks.append(len(seen))
            return super().estimate(here, there)

    A = Mask(0.5)
    recipe = dataclasses.replace(PAPER, epochs=8, warp_from=3, flow_every=2)
    for epoch in optimise(A(moving_clip()), A, ToyPrior(), Counting(), recipe):
        seen.append(epoch)
    assert looks == [epoch for epoch in (3, 5, 7) for _ in ("there", "and back")]


def test_what_is_not_linear_starts_from_noise_and_has_no_finish():
    A, truth = Square(), moving_clip()
    recipe = dataclasses.replace(QUICK, epochs=40, lr_residual=0.1, radius=1.0)
    epochs = epochs_of(recipe, A)
    assert {epoch.phase for epoch in epochs[:-1]} == {"search"}
    assert epochs[-1].data_loss < 0.2 * epochs[0].data_loss
    assert (epochs[-1].x - truth).square().mean() < 0.7 * (epochs[0].x - truth).square().mean()
    best = min(epochs[:-1], key=lambda epoch: epoch.held_out or 0.0)
    assert torch.equal(epochs[-1].x, best.x)


def test_no_epochs_and_nothing_linear_is_refused():
    with pytest.raises(RequestError, match="epochs=0 leaves only least squares, which need a linear degradation"):
        next(optimise(Square()(moving_clip()), Square(), None, Dis(), dataclasses.replace(QUICK, epochs=0)))


def test_no_epochs_give_the_least_squares_start_from_all_measurements():
    A, recipe = Mask(0.5), dataclasses.replace(QUICK, epochs=0)
    y = A(moving_clip())
    (only,) = optimise(y, A, None, Dis(), recipe)
    plain = least_squares.restore(
        y, A, tuple(y.shape), Dis().estimate, noise=recipe.noise(0.0), gradient_sd=recipe.gradient_sd,
        motion_sd=recipe.motion_sd, reach=recipe.reach, first_steps=recipe.first_steps, rounds=recipe.rounds,
        round_steps=recipe.round_steps,
    )  # fmt: skip
    torch.testing.assert_close(only.x, plain, rtol=0, atol=1e-6)
    assert only.phase == "start"
    assert only.held_out is None


A4 = {
    "temporal blur": lambda: TemporalBlur(3),
    "mask": lambda: Mask(0.4),
    "downsample": lambda: Downsample(2),
    "temporal blur, mask": lambda: TemporalBlur(3).then(Mask(0.3)),
    "mask, downsample": lambda: Mask(0.3).then(Downsample(4)),
    "temporal blur, downsample, mask": lambda: TemporalBlur(3).then(Downsample(2)).then(Mask(0.3)),
    "motion blur": lambda: MotionBlur(size=5),
}


@pytest.mark.parametrize("name", A4)
@pytest.mark.parametrize("recipe", [QUICK, PAPER], ids=["ours", "paper"])
def test_every_degradation_is_undone_in_part(name: str, recipe: Recipe):
    A, truth = A4[name](), moving_clip()
    epochs = epochs_of(dataclasses.replace(recipe, epochs=20, lr_residual=0.1, radius=1.0), A)
    assert epochs[-1].x.shape == truth.shape
    chain = [epoch for epoch in epochs if epoch.phase in ("fit", "search")]
    assert epochs[-1].data_loss < 0.5 * chain[0].data_loss
    assert (epochs[-1].x - truth).square().mean() < (chain[0].x - truth).square().mean()


@pytest.mark.parametrize("joint", ["seed", "latent", "feature"])
def test_every_joint_learns(joint: str):
    recipe = dataclasses.replace(PAPER, joint=joint, epochs=20, lr_residual=0.1)
    epochs = epochs_of(recipe)
    assert epochs[-1].data_loss < 0.8 * epochs[0].data_loss
    assert epochs[-1].residual_rms > 0


def test_a_video_that_the_prior_can_make_is_found():
    prior, A = ToyPrior(), Downsample(4)
    seed = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(9))
    truth = prior.decode_tail(prior.decode_body(prior.reverse(seed, 4, "trailing"))).expand(3, -1, -1, -1)
    recipe = dataclasses.replace(PAPER, epochs=60, radius=0.01)
    first, *_, last = optimise(A(truth), A, prior, Still(), recipe)
    assert last.data_loss < 0.05 * first.data_loss
    assert (last.x - truth).square().mean() < 0.2 * (first.x - truth).square().mean()


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (2, 3, 13, 21)])
def test_one_frame_and_odd_sizes_run(draw, shape: tuple[int, int, int, int]):
    A = Mask(0.5)
    assert restore(A(draw(*shape)), A, ToyPrior(), Dis(), QUICK).shape == shape


def test_too_few_measurements_to_hold_any_out_still_run(draw):
    recipe = dataclasses.replace(QUICK, hold_out=0.0001, patience=3)
    assert restore(draw(1, 3, 8, 8), Fails(torch.inf), ToyPrior(), Still(), recipe).shape == (1, 3, 8, 8)


def test_louder_measurements_are_believed_less():
    one, other = (epochs_of(QUICK, noise=noise)[-1].data_loss for noise in (0.0, 0.2))
    assert one < other


def test_restore_is_the_last_epochs_video():
    A = Mask(0.5)
    assert torch.equal(restore(A(moving_clip()), A, ToyPrior(), Dis(), QUICK), epochs_of(QUICK)[-1].x)


def test_restore_keeps_one_video_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """All epochs' videos together would be gigabytes."""
    alive = weakref.WeakSet()

    def many(*_: object) -> Iterator[Epoch]:
        for number in range(9):
            x = torch.full((1, 1, 1, 1), float(number))
            alive.add(x)
            yield Epoch(number, "search", x, 0.0)
            assert len(alive) <= 3

    monkeypatch.setattr(importlib.import_module("oneseed.restore"), "optimise", many)
    assert restore(moving_clip(), Mask(0.5), None, Dis(), QUICK).item() == 8


@pytest.mark.parametrize("function", [optimise, restore], ids=["optimise", "restore"])
def test_nothing_in_a_run_can_see_a_reference(function: Callable[..., Any]):
    """What goes in is the measurements, A, networks, numbers, and a question without arguments."""
    names = list(inspect.signature(function).parameters)
    assert names[:6] == ["y", "degrade", "prior", "flow", "recipe", "noise"]
    assert names[6:] in ([], ["stop"])


def test_frames_shown_cannot_change_the_run():
    untouched, spied = epochs_of(QUICK), []
    A = Mask(0.5)
    for epoch in optimise(A(moving_clip()), A, ToyPrior(), Dis(), QUICK):
        spied.append(epoch.x.clone())
        with pytest.raises(dataclasses.FrozenInstanceError):
            epoch.data_loss = 0.0  # type: ignore[misc]
    assert all(torch.equal(a.x, b) for a, b in zip(untouched, spied, strict=True))
