"""Algorithm 1 itself. The comments name the paper's lines and equations."""

import math
from collections.abc import Callable, Generator, Sequence
from functools import partial

import torch
from torch import Tensor

from oneseed.degrade.base import Degradation
from oneseed.epoch import Epoch
from oneseed.errors import DivergedError
from oneseed.flow.base import FlowEstimator
from oneseed.journal import Journal, State, of_adam, to_adam, to_parameters, told
from oneseed.misfit import Misfit
from oneseed.recipe import Recipe
from oneseed.shapes import Frames, Measured
from oneseed.video import Video
from oneseed.warp import FlowMemory, Link, fused_link_loss, link_loss

LEAST_GAIN = 0.05
"""Ours: dB by which another tenth of the time must lower the error of what was held out; else the search ends."""


def search(
    y: Measured,
    degrade: Degradation,
    video: Video,
    flow: FlowEstimator,
    recipe: Recipe,
    misfit: Misfit,
    start: Frames | None,
    stop: Callable[[], bool],
    journal: Journal,
    held: State | None,
    first: Epoch | None,
) -> Generator[Epoch, None, tuple[Epoch, Epoch]]:
    """Algorithm 1 from line 2 to 18. Returns the last epoch, and the one that predicts best what was held out.

    Args:
        held: what the journal had in the beginning.
        first: what there was before the search, for the journal.
    """
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
    begin, errors = -fit, list[float]()
    if held is not None and held.stage == "searching":
        begin, best = held.numbers["next"], Epoch(x=held.tensors["best"], **held.numbers["best"])
        errors = held.numbers["errors"]
        to_parameters(video.learnt(), held.tensors)
        to_adam(adam, held.tensors)
        memory.remember({int(name[5:]): flow for name, flow in held.tensors.items() if name.startswith("flow.")})
    for e in range(begin, recipe.epochs + 1):  # line 2; below 0 the chain learns the start, and the last only looks
        x = video()  # lines 3-9: eq 7, 11 or 12
        gap = degrade(x) - y
        data, held_out = misfit.data(gap), misfit.held_out(gap)  # eq 12
        del gap  # as large as the video
        warp = x.new_zeros(())  # line 15
        if e >= recipe.warp_from and recipe.warp_weight > 0:  # line 10
            links = memory.look(x.detach(), e - recipe.warp_from)  # lines 11-12: eq 10
            warp = _warp(x, links, recipe.warp_weight, video.plain)  # line 13: eq 9
        loss = data + warp if e >= 0 or start is None else (x - start).square().mean()
        watched = loss + data  # the fit does not look at the data
        if not watched.isfinite():
            raise DivergedError(f"the loss is {watched.item()} at epoch {e + fit}", start if best is None else best.x)

        last = Epoch(
            e + fit, "search" if e >= 0 else "fit", x.detach(), data.item(), held_out, warp.item() / (recipe.warp_weight or 1),
            video.residual.rms(), memory.visible_share,
        )  # fmt: skip
        yield last
        if best is None or last.predicts(best):
            best = last
        errors.append(best.held_out or 0.0)
        waited = recipe.patience and e >= max(recipe.patience, recipe.warp_from)
        stale = waited and (last.number - best.number >= recipe.patience or _gain(errors) < LEAST_GAIN)
        if e == recipe.epochs or stale or stop():
            break
        adam.param_groups[1]["lr"] = recipe.lr_residual if e >= 0 else recipe.lr_fit
        loss.backward()
        adam.step()  # line 17: eq 8
        adam.zero_grad(set_to_none=True)
        video.residual.project_()  # line 18: eqs 8 and 13
        journal.note(partial(_state, e + 1, best, errors, video, adam, memory, start, first))

    assert best is not None
    journal.after([value.detach() for value in video.learnt()])
    return last, best


def _warp(x: Frames, links: Sequence[Link], weight: float, plain: bool) -> Tensor:
    """Eq 9 by its weight."""
    return weight * link_loss(x, links) if plain else fused_link_loss(x, links, weight)


def _state(
    after: int,
    best: Epoch,
    errors: list[float],
    video: Video,
    adam: torch.optim.Adam,
    memory: FlowMemory,
    start: Frames | None,
    first: Epoch | None,
) -> State:
    """All that the epochs from number `after` on depend on."""
    tensors = {f"learnt.{number}": value.detach() for number, value in enumerate(video.learnt())}
    tensors |= {f"flow.{step}": flow for step, flow in memory.flows.items()} | of_adam(adam) | {"best": best.x}
    if start is not None:
        tensors["start"] = start
    numbers = {"next": after, "best": told(best), "errors": errors, "first": told(first) if first else None}
    return State("searching", tensors, numbers)


def _gain(errors: Sequence[float]) -> float:
    """dB by which the last tenth of the time lowered the least error so far; 0 where there is none any more."""
    before, now = errors[max(int(len(errors) / 1.1), 1) - 1], errors[-1]
    return 10 * math.log10(before / now) if now > 0 else 0.0
