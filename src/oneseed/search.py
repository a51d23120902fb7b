"""Algorithm 1 itself. The comments name the paper's lines and equations."""

import math
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import torch

from oneseed.adam import Adam
from oneseed.degrade.base import Degradation
from oneseed.epoch import Best, Epoch
from oneseed.errors import DivergedError
from oneseed.flow.base import FlowEstimator
from oneseed.journal import Journal, State, of_adam, to_adam, to_parameters, told
from oneseed.misfit import Misfit
from oneseed.objective import Objective
from oneseed.recipe import Recipe
from oneseed.shapes import Frames, Measured
from oneseed.video import Video
from oneseed.warp import FlowMemory, Link

WORTH_RECORDING = 20
"""Epochs from which on R and D2 are recorded as a CUDA graph, which takes about as long as ten of them."""

LEAST_GAIN = 0.05
"""Ours: dB by which another tenth of the time must lower the error of what was held out; else the search ends."""


def search(
    y: Measured,
    degrade: Degradation,
    video: Video,
    flow: FlowEstimator,
    recipe: Recipe,
    misfit: Misfit,
    best: Best,
    stop: Callable[[], bool],
    journal: Journal,
    held: State | None,
) -> Generator[Epoch, None, Epoch]:
    """Algorithm 1 from line 2 to 18. Returns the last epoch.

    Args:
        best: the start, if there is one; then what predicts best what was held out, the start included.
        held: what the journal had in the beginning.
    """
    start, first = (None, None) if best.epoch is None else (best.epoch.x, told(best.epoch))
    fit = recipe.fit_epochs if first else 0
    memory = FlowMemory(flow.estimate, recipe.flow_ema, recipe.flow_every, range(1, recipe.warp_reach + 1))
    fused = not video.plain and y.device.type in ("cpu", "cuda")
    adam = Adam(video.z_shared, video.residual.parameters(), recipe.lr_seed, recipe.lr_residual, fused)
    video.learn = adam.learn if fused else None
    objective = Objective(y, degrade, misfit, video.plain)
    begin, least = -fit, Least()
    if held is not None and held.stage == "searching":
        begin, least = held.numbers["next"], Least(**held.numbers["least"])
        best.epoch = Epoch(x=held.tensors["best"], **held.numbers["best"])
        to_parameters(video.learnt(), held.tensors)
        to_adam(adam, held.tensors)
        video.follow(held.tensors.get("motion"))
        memory.remember({int(name[5:]): flow for name, flow in held.tensors.items() if name.startswith("flow.")})
        held.tensors.clear()  # what is not held elsewhere by now
    elif start is not None:
        video.begin_at(start, flow.estimate)
    if recipe.epochs - begin >= WORTH_RECORDING:
        video.record()
    for e in range(begin, recipe.epochs + 1):  # line 2; below 0 the chain learns the start, and the last only looks
        if e >= 0:
            start = None  # nothing waits beside what predicts best
        x = video()  # lines 3-9: eq 7, 11 or 12
        links = list[Link]()
        if e >= recipe.warp_from and recipe.warp_weight > 0:  # line 10
            links = memory.look(x.detach(), e - recipe.warp_from)  # lines 11-12: eq 10
        # lines 13 and 15: eqs 9 and 12
        losses = objective(x, links, recipe.warp_weight) if start is None else objective.towards(start, x)
        if not losses.total.isfinite():
            good = None if best.epoch is None else best.epoch.x
            raise DivergedError(f"the loss is {losses.total.item()} at epoch {e + fit}", good)

        last = Epoch(
            e + fit, "search" if e >= 0 else "fit", x.detach(), losses.data.item(), losses.held_out,
            losses.warp.item() / (recipe.warp_weight or 1), video.residual.rms(), memory.visible_share,
        )  # fmt: skip
        yield last
        best.offer(last)
        least.offer(last)
        waited = recipe.patience and e >= max(recipe.patience, recipe.warp_from)
        stale = waited and (last.number - least.number >= recipe.patience or least.gain() < LEAST_GAIN)
        if e == recipe.epochs or stale or stop():
            journal.after([value.detach() for value in video.learnt()])
            return last
        adam.param_groups[1]["lr"] = recipe.lr_residual if e >= 0 else recipe.lr_fit
        losses.back()
        del x, last, losses  # each holds a video
        adam.step()  # line 17: eq 8
        adam.zero_grad(set_to_none=True)
        video.residual.project_()  # line 18: eqs 8 and 13
        journal.note(partial(_state, e + 1, best, least, video, adam, memory, start, first))

    raise AssertionError("the last epoch returns")


@dataclass
class Least:
    """The least error on what was held out, over the epochs of one search."""

    number: int = -1
    """Of the epoch that had it."""
    errors: list[float] = field(default_factory=list)
    """After each epoch; 0 where nothing was held out."""

    def offer(self, epoch: Epoch) -> None:
        error = epoch.held_out or 0.0
        if not self.errors or error <= self.errors[-1]:
            self.number = epoch.number
        self.errors.append(min([error, *self.errors[-1:]]))

    def gain(self) -> float:
        """dB by which the last tenth of the time lowered it; 0 where there is none any more."""
        before, now = self.errors[max(int(len(self.errors) / 1.1), 1) - 1], self.errors[-1]
        return 10 * math.log10(before / now) if now > 0 else 0.0


def _state(
    after: int,
    best: Best,
    least: Least,
    video: Video,
    adam: Adam,
    memory: FlowMemory,
    start: Frames | None,
    first: dict[str, Any] | None,
) -> State:
    """All that the epochs from number `after` on depend on."""
    assert best.epoch is not None
    tensors = {f"learnt.{number}": value.detach() for number, value in enumerate(video.learnt())}
    tensors |= {f"flow.{step}": flow for step, flow in memory.flows.items()} | of_adam(adam) | {"best": best.epoch.x}
    if start is not None and start is not best.epoch.x:
        tensors["start"] = start
    if video.motion:
        tensors["motion"] = torch.cat([warp.flow for warp in video.motion])
    numbers = {"next": after, "best": told(best.epoch), "least": asdict(least), "first": first}
    return State("searching", tensors, numbers)
