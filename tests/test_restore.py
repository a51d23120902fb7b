"""Algorithm 1 and what stands around it: what each epoch shows, and what decides the video that is kept."""

import dataclasses
import importlib
import inspect
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from tests.moving_clip import moving_clip
from tests.short_runs import PAPER, POORLY_BEGUN, QUICK, Fails, epochs_of, numbers
from tests.toy_denoiser import ToyDenoiser
from tests.toy_prior import ToyPrior
from torch import Tensor

from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.flow.dis import Dis
from oneseed.flow.still import Still
from oneseed.recipe import Recipe
from oneseed.restore import Epoch, _seen, optimise, restore
from oneseed.search import Least


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


def test_a_plain_run_is_the_same_run_without_what_makes_it_fast(monkeypatch):
    fast = epochs_of(QUICK)

    def never(*_: object) -> None:
        raise AssertionError("a plain run")

    for module, name in (("video", "frames_beside"), ("objective", "add_link_slope")):
        with monkeypatch.context() as patch:
            patch.setattr(importlib.import_module(f"oneseed.{module}"), name, never)
            with pytest.raises(AssertionError, match="a plain run"):
                epochs_of(QUICK)
        monkeypatch.setattr(importlib.import_module(f"oneseed.{module}"), name, never)
    for one, other in zip(fast, epochs_of(QUICK, plain=True), strict=True):
        torch.testing.assert_close(one.x, other.x, rtol=0, atol=2e-3)
        assert one.warp_loss == pytest.approx(other.warp_loss, rel=0.02)


def test_the_output_is_from_after_the_last_step():
    one = epochs_of(dataclasses.replace(PAPER, epochs=1, warp_weight=0.0))
    assert numbers(one) == [("search", 0), ("search", 1), ("finish", 1)]
    assert not torch.equal(one[-1].x, one[0].x)
    assert torch.equal(one[-1].x, one[1].x)
    more = epochs_of(dataclasses.replace(PAPER, epochs=2, warp_weight=0.0))
    assert torch.equal(more[1].x, one[1].x)
    assert not torch.equal(more[2].x, more[1].x)


@pytest.mark.parametrize(("first_steps", "phase"), [(2, "search"), (20, "start")])
def test_the_video_that_predicts_best_is_kept_be_it_the_start(first_steps: int, phase: str):
    wild = dataclasses.replace(
        POORLY_BEGUN, lr_seed=2.0, epochs=10, finish_rounds=0, denoise_rounds=0, first_steps=first_steps
    )
    epochs = epochs_of(wild)
    best = min(epochs[:-1], key=lambda epoch: epoch.held_out or 0.0)
    assert best.phase == phase
    assert best is not epochs[-2]
    assert torch.equal(epochs[-1].x, best.x)


@pytest.mark.parametrize(("decibels", "gain"), [(0.0, 0.0), (1.0, 1.0), (0.04, 0.04)])
def test_what_the_last_tenth_of_the_time_gained(decibels: float, gain: float):
    errors = [1.0] * 20 + [10 ** (-decibels / 10)] * 2
    assert Least(errors=errors).gain() == pytest.approx(gain)
    assert Least(errors=[1.0]).gain() == Least(errors=[1.0, 0.0]).gain() == 0.0


def test_the_least_error_and_when_it_was():
    least = Least()
    for number, error in enumerate([0.5, 0.3, 0.4, 0.3, 0.6]):
        least.offer(Epoch(number, "search", torch.zeros(1, 3, 1, 1), 0.0, error))
    assert (least.number, least.errors) == (3, [0.5, 0.3, 0.3, 0.3, 0.3])


@pytest.mark.parametrize("first_steps", [2, 20], ids=["poor start", "good start"])
def test_the_search_keeps_one_video_beside_its_own(first_steps: int):
    held_out, videos, alive = list[float](), list[weakref.ref[torch.Tensor]](), list[list[int]]()

    class Watched(Mask):
        def forward(self, x: Tensor) -> Tensor:
            alive.append([number for number, video in enumerate(videos) if video() is not None])
            return super().forward(x)

    A, recipe = Watched(0.5), dataclasses.replace(POORLY_BEGUN, lr_seed=2.0, epochs=10, first_steps=first_steps)
    run = optimise(A(moving_clip()), A, ToyPrior(), Dis(), recipe, denoiser=ToyDenoiser())
    while (epoch := next(run)).phase != "finish":
        assert epoch.held_out is not None
        if epoch.phase == "search":
            assert alive[-1] == [held_out.index(min(held_out))]  # while it was looked at
        held_out.append(epoch.held_out)
        videos.append(weakref.ref(epoch.x))
        del epoch
    assert min(held_out) < held_out[-1]


def test_the_search_ends_when_time_buys_little(monkeypatch: pytest.MonkeyPatch):
    recipe = dataclasses.replace(QUICK, epochs=30, patience=5, warp_weight=0.0)
    taken = {}
    for least in (-1.0, 0.05, 100.0):
        monkeypatch.setattr(importlib.import_module("oneseed.search"), "LEAST_GAIN", least)
        taken[least] = sum(epoch.phase == "search" for epoch in epochs_of(recipe))
    assert taken[100.0] == 6  # patience, and the epoch that finds out
    assert taken[100.0] <= taken[0.05] < taken[-1.0]


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


def seen_by(recipe: Recipe, A: Degradation, y: Tensor) -> Tensor:
    n, c, h, w = y.shape
    return _seen(y, A, A.clean_shape((n, c, h, w)), recipe, torch.Generator().manual_seed(recipe.seed)).bool()


@pytest.mark.parametrize(
    ("A", "always"), [(Mask(0.5), True), (Mask(0.5, per_frame=True), False), (TemporalBlur(3), False), (Downsample(2), False)],
    ids=str,
)  # fmt: skip
def test_pixels_are_held_out_of_all_frames_where_others_are_missing_in_all(A: Degradation, always: bool):
    seen = seen_by(QUICK, A, A(moving_clip()))
    assert torch.equal(seen, seen[:1].expand_as(seen)) is always
    assert not seen.all()


def test_measurements_held_out_influence_nothing_before_the_finish():
    recipe = dataclasses.replace(QUICK, patience=0)
    A = Downsample(2)
    y = A(moving_clip())
    seen = seen_by(recipe, A, y)
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
        run = optimise(
            y,
            Fails(torch.inf),
            ToyPrior(),
            Still(),
            dataclasses.replace(recipe, warp_weight=weight),
            denoiser=ToyDenoiser(),
        )
        *_, last = run
        return last.x.diff(dim=0).square().mean().item()

    assert apart(10.0) < 0.5 * apart(0.0)


def test_the_motion_is_looked_at_again_every_few_epochs_after_the_first():
    looks: list[int] = []
    seen: list[Epoch] = []

    class Counting(Dis):
        def estimate(self, here: Tensor, there: Tensor) -> Tensor:
            looks.append(len(seen))
            return super().estimate(here, there)

    A = Mask(0.5)
    recipe = dataclasses.replace(PAPER, epochs=8, warp_from=3, flow_every=2)
    for epoch in optimise(A(moving_clip()), A, ToyPrior(), Counting(), recipe, denoiser=ToyDenoiser()):
        seen.append(epoch)
    assert looks == [epoch for epoch in (3, 5, 7) for _ in ("there", "and back")]


def test_restore_is_the_last_epochs_video():
    A = Mask(0.5)
    assert torch.equal(
        restore(A(moving_clip()), A, ToyPrior(), Dis(), QUICK, denoiser=ToyDenoiser()), epochs_of(QUICK)[-1].x
    )


def test_restore_keeps_one_video_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """All epochs' videos together would be gigabytes."""
    alive = weakref.WeakSet()

    def many(*_: object, denoiser: object) -> Iterator[Epoch]:
        for number in range(9):
            x = torch.full((1, 1, 1, 1), float(number))
            alive.add(x)
            yield Epoch(number, "search", x, 0.0)
            assert len(alive) <= 3

    monkeypatch.setattr(importlib.import_module("oneseed.restore"), "optimise", many)
    assert restore(moving_clip(), Mask(0.5), ToyPrior(), Dis(), QUICK, denoiser=ToyDenoiser()).item() == 8


@pytest.mark.parametrize("function", [optimise, restore], ids=["optimise", "restore"])
def test_nothing_in_a_run_can_see_a_reference(function: Callable[..., Any]):
    """What goes in is the measurements, A, networks, numbers, and a question without arguments."""
    names = list(inspect.signature(function).parameters)
    assert names[:6] == ["y", "degrade", "prior", "flow", "recipe", "noise"]
    assert names[6:] in (["denoiser"], ["stop", "denoiser", "plain", "journal"])


def test_frames_shown_cannot_change_the_run():
    untouched, spied = epochs_of(QUICK), []
    A = Mask(0.5)
    for epoch in optimise(A(moving_clip()), A, ToyPrior(), Dis(), QUICK, denoiser=ToyDenoiser()):
        spied.append(epoch.x.clone())
        with pytest.raises(dataclasses.FrozenInstanceError):
            epoch.data_loss = 0.0  # type: ignore[misc]
    assert all(torch.equal(a.x, b) for a, b in zip(untouched, spied, strict=True))
