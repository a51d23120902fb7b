"""A restoration: a start of ours, Algorithm 1 (`search.py`), an end of ours."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch

from oneseed import finish, least_squares, plug_and_play
from oneseed.choice import only
from oneseed.degrade.base import Degradation
from oneseed.denoise.base import Denoiser
from oneseed.epoch import Best, Epoch
from oneseed.errors import DivergedError, RequestError
from oneseed.flow.base import FlowEstimator
from oneseed.journal import Journal, State, told
from oneseed.load import load_denoiser, load_prior
from oneseed.misfit import Misfit
from oneseed.normal import each_measured
from oneseed.presets import PRESETS
from oneseed.prior.base import Prior
from oneseed.recipe import Recipe
from oneseed.registry import find
from oneseed.search import search
from oneseed.shapes import Frames, Measured
from oneseed.video import Video


def optimise(
    y: Measured,
    degrade: Degradation,
    prior: Prior | None,
    flow: FlowEstimator,
    recipe: Recipe,
    noise: float = 0.0,
    stop: Callable[[], bool] = lambda: False,
    denoiser: Denoiser | None = None,
    plain: bool = False,
    journal: Journal | None = None,
) -> Iterator[Epoch]:
    """Yield after every epoch. Logging, saving and previewing are the caller's business.

    Args:
        y: the measurements, on the device where all happens; `degrade` and `prior` are there too.
        prior: not needed, and may be None, where the recipe has no epochs.
        noise: standard deviation of the measurements' noise, rounding included, on the [0, 1] scale; 0 claims that they
            are exact, and has them met exactly.
        stop: asked after every epoch; when it says so, what was reached is finished and yielded.
        denoiser: on that device too; needed where the recipe denoises.
        plain: the chain as it is written, see `Video`.
        journal: told what a run cut short would go on from, and asked for it; the result is then the same to the bit. Asked
            and told, too, what windows learn from each other, where the recipe starts from noise.

    Raises:
        DivergedError: a loss is no longer a number; the error carries the frames that predicted best until then.
        RequestError: the recipe has no epochs and the degradation is not linear, or it denoises and no denoiser is given.
    """
    if not recipe.epochs and not degrade.linear:
        raise RequestError("epochs=0 leaves only least squares, which need a linear degradation. Give epochs.")
    if recipe.denoises and denoiser is None:
        raise RequestError("the recipe denoises, and no denoiser is given. Give one, or denoise_rounds=0.")
    n, c, h, w = y.shape
    shape = degrade.clean_shape((n, c, h, w))
    generator = torch.Generator().manual_seed(recipe.seed)
    s = recipe.noise(noise)
    # ours: the chain, and what it starts from, see only these measurements
    seen = _seen(y, degrade, shape, recipe, generator)
    misfit = Misfit(seen)

    journal = journal or Journal()
    held = journal.read()
    found, finished = (held is not None and held.reached(stage) for stage in ("found", "finished"))
    best, last = Best(), None
    if held is not None and found:
        best.epoch = last = Epoch(x=held.tensors["x"], **held.numbers["last"])
    elif recipe.from_start(degrade.linear):  # ours
        if held is None:
            x = least_squares.restore(
                *only(seen, y, degrade), shape, flow.estimate, noise=s, gradient_sd=recipe.gradient_sd,
                motion_sd=recipe.motion_sd, reach=recipe.reach, interpolation=recipe.interpolation,
                first_steps=recipe.first_steps, rounds=recipe.rounds, round_steps=recipe.round_steps,
            )  # fmt: skip
            best.epoch = last = Epoch(0, "start", x, *misfit.errors(degrade(x) - y))
        else:  # a search that has left its start behind has what predicts best instead
            x = held.tensors["start" if "start" in held.tensors else "best"]
            best.epoch = last = Epoch(x=x, **held.numbers["first"])
        if not math.isfinite(last.data_loss):
            raise DivergedError(f"the start's error is {last.data_loss}", None)
        yield last
        if stop():
            return
        if held is None:
            journal.note(partial(State, "started", {"start": x}, {"first": told(last)}), always=True)
        del x

    if recipe.epochs and not found:
        assert prior is not None
        started = last is not None
        last = None  # the search lets go of the start when it can
        video = Video(prior, shape, recipe.settled(prior, started), generator, y.device, plain)  # line 1
        baton = None if started else journal.before()  # ours
        warm = baton is not None and video.begin_with(baton)
        last = yield from search(
            y, degrade, video, flow, recipe.warm() if warm else recipe, misfit, best, stop, journal, held
        )
        journal.note(partial(State, "found", {"x": best.video()}, {"last": told(last)}), always=True)
    x = best.video()
    assert last is not None
    if recipe.finish_rounds and degrade.linear and not finished:  # ours
        x = finish.refine(
            y, degrade, x, flow.estimate, seen=seen, used=seen if recipe.denoises else torch.ones_like(seen),
            spread=recipe.finish_spread, noise=s, gradient_sd=recipe.finish_gradient_sd, contrast=recipe.finish_contrast,
            colour=recipe.finish_colour, motion_sd=recipe.finish_motion_sd, near_sd=recipe.near_sd, reach=recipe.reach,
            interpolation=recipe.interpolation, rounds=recipe.finish_rounds, steps=recipe.finish_steps,
        )  # fmt: skip
        journal.note(partial(State, "finished", {"x": x}, {"last": told(last)}), always=True)
    if denoiser is not None and recipe.denoises and degrade.linear:  # ours
        x = plug_and_play.refine(
            y, degrade, x, flow.estimate, denoiser.denoise, seen=seen, spread=recipe.denoise_spread, noise=s,
            strongest=recipe.denoise_from, weakest=recipe.denoise_to, doubt=recipe.denoise_doubt,
            doubt_alone=recipe.denoise_doubt_alone, motion_from=recipe.denoise_motion_from, motion_to=recipe.denoise_motion_to,
            reach=recipe.reach, interpolation=recipe.interpolation, steps=recipe.finish_steps,
            rounds=recipe.denoise_rounds,
            contrast=recipe.denoise_exact_contrast if recipe.exact(noise) else 0.0,
        )  # fmt: skip
    if recipe.exact_steps and degrade.linear:  # ours
        x = finish.onto(y, degrade, x, noise, recipe.exact_steps)
    if x is last.x and not (recipe.epochs or found):  # nothing came after the start
        return
    yield replace(last, phase="finish", x=x, data_loss=(degrade(x) - y).square().mean().item(), held_out=None)


def restore(
    y: Measured,
    degrade: Degradation,
    prior: Prior | None = None,
    flow: FlowEstimator | None = None,
    recipe: Recipe | None = None,
    noise: float = 0.0,
    denoiser: Denoiser | None = None,
) -> Frames:
    """The last epoch's frames; arguments and errors as for `optimise`.

    Left out: the prior and the denoiser `tiny`, the flow `dis`, the preset `balanced`.
    """
    recipe = recipe or PRESETS["balanced"]
    estimator: FlowEstimator = flow or find("flow", "dis")()
    if prior is None and recipe.epochs:
        prior = load_prior("tiny", y.device)
    if denoiser is None and recipe.denoises:
        denoiser = load_denoiser(None, device=y.device)
    for last in optimise(y, degrade, prior, estimator, recipe, noise, denoiser=denoiser):
        x = last.x  # only this one: a list would hold every epoch's video
    return x


def _seen(
    y: Measured, degrade: Degradation, shape: tuple[int, int, int, int], recipe: Recipe, generator: torch.Generator
) -> Measured:
    """1 for the measurements that the chain sees, 0 for those that judge it: pixels, for one colour betrays the others.

    Where the same pixels are missing in all frames, the same are held out in all frames: on a clip that stands still a
    missing pixel is never seen, and one held out of a single frame would be, in the others.
    """
    if not recipe.hold_out:
        return torch.ones_like(y)
    measured = each_measured(degrade, y.new_zeros(shape)) if degrade.linear else None
    always = measured is not None and bool((measured == 0).any()) and bool((measured == measured[:1]).all())
    pixels = torch.rand((1 if always else len(y), 1, *y.shape[2:]), generator=generator) >= recipe.hold_out
    return pixels.to(y).expand_as(y)
