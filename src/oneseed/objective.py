"""What Algorithm 1 lowers in line 17: the data term of eq 12, and eq 9 by its weight; with its slope for the frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from oneseed.degrade.base import Degradation
from oneseed.misfit import Misfit
from oneseed.shapes import Frames, Measured
from oneseed.warp import Link, add_link_slope, link_loss


class Losses(NamedTuple):
    """Of one epoch."""

    data: Tensor
    """Eq 12, without what was held out."""
    held_out: float | None
    """The same on what was."""
    warp: Tensor
    """Eq 9 times its weight; 0 without links."""
    fit: Tensor
    """Mean of (x − start)², while that is what is learnt; else 0."""
    back: Callable[[], None]
    """The way back, through the frames to all that is learnt."""

    @property
    def total(self) -> Tensor:
        """All of it, to see whether it still is a number."""
        return self.data + self.warp + self.fit


@dataclass(frozen=True)
class Objective:
    """For one set of measurements."""

    y: Measured
    degrade: Degradation
    misfit: Misfit
    plain: bool
    """As eqs 9 and 12 are written, by autograd; slow and large, and what the other is measured by."""

    def __call__(self, x: Frames, links: Sequence[Link], weight: float) -> Losses:
        """Eq 12 and `weight` times eq 9 over the links."""
        return (self._plain if self.plain else self._with_slope)(x, links, weight)

    def towards(self, start: Frames, x: Frames) -> Losses:
        """How far x is from the start, which alone it is drawn to. Ours."""
        gap = x - start
        fit = gap.square().mean()
        data, held_out = self.misfit.errors(self.degrade(x.detach()) - self.y)
        return Losses(fit.new_tensor(data), held_out, torch.zeros_like(fit), fit.detach(), fit.backward)

    def _plain(self, x: Frames, links: Sequence[Link], weight: float) -> Losses:
        gap = self.degrade(x) - self.y
        data, held_out = self.misfit.data(gap), self.misfit.held_out(gap)
        warp = weight * link_loss(x, links)
        return Losses(data.detach(), held_out, warp.detach(), torch.zeros_like(data), (data + warp).backward)

    def _with_slope(self, x: Frames, links: Sequence[Link], weight: float) -> Losses:
        """Both slopes in one video, and no other waits for the way back."""
        frames = x.detach()
        with torch.enable_grad():
            seen = frames.requires_grad_()
            gap = self.degrade(seen) - self.y
        held_out = self.misfit.held_out(gap)
        data = self.misfit.to_slope_(gap.detach())  # gap itself is not asked for on the way back, A's
        slope = torch.autograd.grad(gap, seen, gap.detach())[0].contiguous()
        del gap  # as large as the video
        warp = add_link_slope(slope, seen.detach(), links, weight)
        return Losses(data, held_out, warp, torch.zeros_like(data), partial(x.backward, slope))
