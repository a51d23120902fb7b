"""Algorithm 1, with a start and an end of ours. The comments name the paper's lines and equations."""

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch

from oneseed import finish, least_squares, plug_and_play
from oneseed.choice import only
from oneseed.degrade.base import Degradation
from oneseed.denoise.base import Denoiser
from oneseed.errors import DivergedError, RequestError
from oneseed.flow.base import FlowEstimator
from oneseed.load import load_denoiser, load_prior
from oneseed.normal import each_measured
from oneseed.presets import PRESETS
from oneseed.prior.base import Prior
from oneseed.recipe import Recipe
from oneseed.registry import find
from oneseed.shapes import Frames, Measured
from oneseed.video import Video
from oneseed.warp import FlowMemory, fused_link_loss, link_loss

Phase = Literal["start", "fit", "search", "finish"]


@dataclass(frozen=True)
class Epoch:
    """What one turn of the loop leaves behind. The last one of a run carries the result."""

    number: int
    """Epochs done so far, fitting included."""
    phase: Phase
    x: Frames
    """The video, detached and not clamped."""
    data_loss: float
    """Mean squared error of A(x) against the measurements that the chain saw (eq 12)."""
    held_out: float | None = None
    """Mean squared error of A(x) against the measurements that the chain did not see."""
    warp_loss: float = 0.0
    """Eq 9, a mean over visible values."""
    residual_rms: float = 0.0
    """Root mean square of the residuals r_n."""
    visible_share: float = 0.0
    """Share of the pixels that the occlusion mask lets through; near 0, warping does nothing."""

    def predicts(self, other: "Epoch") -> bool:
        """What was held out, no worse than `other` does; where nothing was, the later is taken to."""
        return self.held_out is None or other.held_out is None or self.held_out <= other.held_out


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

    Raises:
        DivergedError: a loss is no longer a number; the error carries the last good frames.
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

    start, first, last = None, None, None
    if recipe.start == "least-squares" and degrade.linear:  # ours
        start = least_squares.restore(
            *only(seen, y, degrade), shape, flow.estimate, noise=s, gradient_sd=recipe.gradient_sd, motion_sd=recipe.motion_sd,
            reach=recipe.reach, interpolation=recipe.interpolation, first_steps=recipe.first_steps, rounds=recipe.rounds,
            round_steps=recipe.round_steps,
        )  # fmt: skip
        first = last = Epoch(0, "start", start, *_errors(degrade(start) - y, seen))
        if not math.isfinite(first.data_loss):
            raise DivergedError(f"the start's error is {first.data_loss}", None)
        yield first
        if stop():
            return

    x = start
    if recipe.epochs:
        assert prior is not None
        video = Video(
            prior, shape, recipe.settled(prior, started=start is not None), generator, y.device, plain
        )  # line 1
        last, best = yield from _search(y, degrade, video, flow, recipe, seen, start, stop)
        x = first.x if first is not None and first.held_out is not None and not best.predicts(first) else best.x
    assert x is not None
    if recipe.finish_rounds and degrade.linear:  # ours
        x = finish.refine(
            y, degrade, x, flow.estimate, seen=seen, used=seen if recipe.denoises else torch.ones_like(seen),
            spread=recipe.finish_spread, noise=s, gradient_sd=recipe.finish_gradient_sd, contrast=recipe.finish_contrast,
            colour=recipe.finish_colour, motion_sd=recipe.finish_motion_sd, near_sd=recipe.near_sd, reach=recipe.reach,
            interpolation=recipe.interpolation, rounds=recipe.finish_rounds, steps=recipe.finish_steps,
        )  # fmt: skip
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
    if x is start and not recipe.epochs:  # nothing came after the start
        return
    assert last is not None
    yield replace(last, phase="finish", x=x, data_loss=(degrade(x) - y).square().mean().item(), held_out=None)


def _search(
    y: Measured,
    degrade: Degradation,
    video: Video,
    flow: FlowEstimator,
    recipe: Recipe,
    seen: Measured,
    start: Frames | None,
    stop: Callable[[], bool],
) -> Generator[Epoch, None, tuple[Epoch, Epoch]]:
    """Algorithm 1 from line 2 to 18. Returns the last epoch, and the one that predicts best what was held out."""
    fit = recipe.fit_epochs if start is not None else 0
    if start is not None:
        video.begin_at(start, flow.estimate)
    memory = FlowMemory(flow.estimate, recipe.flow_ema, recipe.flow_every, range(1, recipe.warp_reach + 1))
    adam = torch.optim.Adam(
        [
            {"params": [video.z_shared], "lr": recipe.lr_seed},
            {"params": video.residual.parameters(), "lr": recipe.lr_residual},
        ],
        fused=not video.plain and y.device.type in ("cpu", "cuda"),
    )
    best: Epoch | None = None
    for e in range(-fit, recipe.epochs + 1):  # line 2; below 0 the chain learns the start, and the last only looks
        x = video()  # lines 3-9: eq 7, 11 or 12
        gap = degrade(x) - y
        data = (gap * seen).square().sum() / seen.sum()  # eq 12
        warp = x.new_zeros(())  # line 15
        if e >= recipe.warp_from and recipe.warp_weight > 0:  # line 10
            links = memory.look(x.detach(), e - recipe.warp_from)  # lines 11-12: eq 10
            warp = (link_loss if video.plain else fused_link_loss)(x, links)  # line 13: eq 9
        loss = data + recipe.warp_weight * warp if e >= 0 or start is None else (x - start).square().mean()
        watched = loss + data  # the fit does not look at the data
        if not watched.isfinite():
            raise DivergedError(f"the loss is {watched.item()} at epoch {e + fit}", start if best is None else best.x)

        last = Epoch(
            e + fit, "search" if e >= 0 else "fit", x.detach(), *_errors(gap.detach(), seen), warp.item(),
            video.residual.rms(), memory.visible_share,
        )  # fmt: skip
        yield last
        if best is None or last.predicts(best):
            best = last
        stale = recipe.patience and e >= recipe.patience and last.number - best.number >= recipe.patience
        if e == recipe.epochs or stale or stop():
            break
        adam.param_groups[1]["lr"] = recipe.lr_residual if e >= 0 else recipe.lr_fit
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()  # line 17: eq 8
        video.residual.project_()  # line 18: eqs 8 and 13

    assert best is not None
    return last, best


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


def _errors(gap: Measured, seen: Measured) -> tuple[float, float | None]:
    """Mean squared error over the measurements seen, and over those held out."""
    hidden = 1 - seen
    held_out = (gap * hidden).square().sum() / hidden.sum() if hidden.any() else None
    return ((gap * seen).square().sum() / seen.sum()).item(), None if held_out is None else held_out.item()
