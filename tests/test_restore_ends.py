"""How a run ends: asked to, out of numbers, or with the measurements met."""

import dataclasses

import pytest
import torch
from tests.moving_clip import moving_clip
from tests.short_runs import PAPER, QUICK, Fails, epochs_of, numbers
from tests.toy_denoiser import ToyDenoiser
from tests.toy_prior import ToyPrior
from torch import Tensor

from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.errors import DivergedError
from oneseed.flow.dis import Dis
from oneseed.recipe import Recipe
from oneseed.restore import Epoch, optimise


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
    for epoch in optimise(y, A, ToyPrior(), Dis(), recipe, denoiser=ToyDenoiser()):
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
        next(optimise(moving_clip(), Fails(5), ToyPrior(), Dis(), QUICK, denoiser=ToyDenoiser()))


def test_a_degradation_that_stops_giving_numbers_in_the_fit_is_caught_there():
    """The fit learns the start and not the data, and would go on without an end."""
    A = Fails(torch.inf)
    run = optimise(moving_clip(), A, ToyPrior(), Dis(), QUICK, denoiser=ToyDenoiser())
    start, fitted = next(run), next(run)
    assert (start.phase, fitted.phase) == ("start", "fit")
    A.left = 0
    with pytest.raises(DivergedError, match="the loss is nan at epoch 1") as error:
        next(run)
    assert start.predicts(fitted)
    assert torch.equal(error.value.frames, start.x)  # what predicted best


def test_a_prior_that_never_gives_numbers_leaves_the_start():
    class Broken(ToyPrior):
        def decode_body(self, latent: Tensor) -> Tensor:
            return super().decode_body(latent) * torch.nan

    run = optimise(moving_clip(), Fails(torch.inf), Broken(), Dis(), QUICK, denoiser=ToyDenoiser())
    start = next(run)
    with pytest.raises(DivergedError) as error:
        next(run)
    assert torch.equal(error.value.frames, start.x)
    with pytest.raises(DivergedError) as error:
        next(optimise(moving_clip(), Fails(torch.inf), Broken(), Dis(), PAPER, denoiser=ToyDenoiser()))
    assert error.value.frames is None


def test_noiseless_measurements_are_met_exactly_at_the_end():
    A = Downsample(2)
    rough, exact = (epochs_of(dataclasses.replace(QUICK, denoise_rounds=0, exact_steps=steps), A) for steps in (0, 20))
    assert torch.equal(rough[-2].x, exact[-2].x)
    assert exact[-1].data_loss < 1e-10 < rough[-1].data_loss


def test_noisy_measurements_are_met_to_within_their_noise(draw):
    A, truth, noise = Downsample(2), moving_clip(), 0.1
    y = A(truth) + noise * 12**0.5 * (draw(4, 3, 12, 12) - 0.5)
    last = epochs_of(dataclasses.replace(QUICK, finish_rounds=0, denoise_rounds=0, exact_steps=20), A, y, noise=noise)[
        -1
    ]
    plain = epochs_of(dataclasses.replace(QUICK, finish_rounds=0, denoise_rounds=0), A, y, noise=noise)[-1]
    assert last.data_loss <= max(noise**2, plain.data_loss)
    exact = epochs_of(dataclasses.replace(QUICK, finish_rounds=0, denoise_rounds=0, exact_steps=20), A, y)[-1]
    assert exact.data_loss < 1e-10
