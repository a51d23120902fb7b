"""What a run can be given: every degradation, joint, shape and amount of noise."""

import dataclasses

import pytest
import torch
from tests.moving_clip import moving_clip
from tests.short_runs import PAPER, QUICK, Fails, Square, epochs_of
from tests.toy_denoiser import ToyDenoiser
from tests.toy_prior import ToyPrior

from oneseed import least_squares
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.errors import RequestError
from oneseed.flow.dis import Dis
from oneseed.flow.still import Still
from oneseed.recipe import Recipe
from oneseed.restore import optimise, restore


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


def test_with_neither_epochs_nor_an_end_the_least_squares_start_is_all():
    A, recipe = Mask(0.5), dataclasses.replace(QUICK, epochs=0, hold_out=0.0, finish_rounds=0, denoise_rounds=0)
    y = A(moving_clip())
    (only,) = optimise(y, A, None, Dis(), recipe)
    plain = least_squares.restore(
        y, A, tuple(y.shape), Dis().estimate, noise=recipe.noise(0.0), gradient_sd=recipe.gradient_sd,
        motion_sd=recipe.motion_sd, reach=recipe.reach, interpolation=recipe.interpolation,
        first_steps=recipe.first_steps, rounds=recipe.rounds,
        round_steps=recipe.round_steps,
    )  # fmt: skip
    torch.testing.assert_close(only.x, plain, rtol=0, atol=1e-6)
    assert only.phase == "start"
    assert only.held_out is None


def test_without_epochs_the_end_follows_the_start_and_no_prior_is_needed():
    A, truth = Mask(0.5), moving_clip()
    recipe = dataclasses.replace(QUICK, epochs=0, denoise_rounds=0)
    start, last = optimise(A(truth), A, None, Dis(), recipe)
    assert (start.phase, start.number, last.phase, last.number) == ("start", 0, "finish", 0)
    assert start.held_out is not None  # it chooses the strengths of the finish
    assert (last.x - truth).square().mean() < (start.x - truth).square().mean()
    *_, denoised = optimise(A(truth), A, None, Dis(), dataclasses.replace(QUICK, epochs=0), denoiser=ToyDenoiser())
    assert not torch.equal(denoised.x, last.x)


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
    first, *_, last = optimise(A(truth), A, prior, Still(), recipe, denoiser=ToyDenoiser())
    assert last.data_loss < 0.05 * first.data_loss
    assert (last.x - truth).square().mean() < 0.2 * (first.x - truth).square().mean()


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (2, 3, 13, 21)])
def test_one_frame_and_odd_sizes_run(draw, shape: tuple[int, int, int, int]):
    A = Mask(0.5)
    assert restore(A(draw(*shape)), A, ToyPrior(), Dis(), QUICK, denoiser=ToyDenoiser()).shape == shape


def test_too_few_measurements_to_hold_any_out_still_run(draw):
    recipe = dataclasses.replace(QUICK, hold_out=0.0001, patience=3)
    assert restore(draw(1, 3, 8, 8), Fails(torch.inf), ToyPrior(), Still(), recipe, denoiser=ToyDenoiser()).shape == (
        1,
        3,
        8,
        8,
    )


def test_louder_measurements_are_believed_less():
    one, other = (epochs_of(QUICK, noise=noise)[-1].data_loss for noise in (0.0, 0.2))
    assert one < other
