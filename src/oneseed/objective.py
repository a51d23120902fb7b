"""What Algorithm 1 lowers in line 17: the data term of eq 12, and eq 9 by its weight; with its slope for the frames."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import torch
from torch import Tensor

from oneseed.box import Box
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError
from oneseed.misfit import Misfit
from oneseed.shapes import Frames, Measured
from oneseed.warp import Link, add_link_slope, link_loss

TOGETHER = 9 * 2**17
"""Values of the frames that are degraded at a time, where A allows it: they and what comes of them stay in the cache."""


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
        far = self.degrade(x.detach()) - self.y
        data, held_out = self.misfit.data(far), self.misfit.number(self.misfit.held_out(far))
        return Losses(data, held_out, torch.zeros_like(fit), fit.detach(), fit.backward)

    def _plain(self, x: Frames, links: Sequence[Link], weight: float) -> Losses:
        gap = self.degrade(x) - self.y
        data, held_out = self.misfit.data(gap), self.misfit.held_out(gap)
        warp = weight * link_loss(x, links)
        return Losses(
            data.detach(), self.misfit.number(held_out), warp.detach(), torch.zeros_like(data), (data + warp).backward
        )

    def _with_slope(self, x: Frames, links: Sequence[Link], weight: float) -> Losses:
        """Both slopes in one video, and no other waits for the way back."""
        frames = x.detach()
        slope = torch.empty_like(frames, memory_format=torch.contiguous_format)
        shares = [
            _with_slope(frames[part], slope[part], self.y[part], degrade, misfit)
            for part, degrade, misfit in self._parts
        ]
        data, held_out = (torch.stack(each).sum() for each in zip(*shares, strict=True))
        warp = add_link_slope(slope, frames, links, weight)
        return Losses(data, self.misfit.number(held_out), warp, torch.zeros_like(data), partial(x.backward, slope))

    @cached_property
    def _parts(self) -> list[tuple[slice, Degradation, Misfit]]:
        """Frames some of which are degraded at a time; all at once where A looks at others, or does not say."""
        n, c, h, w = self.y.shape
        whole = self.degrade.clean_shape((n, c, h, w))
        count = max(TOGETHER // math.prod(whole[1:]), 1)
        if self.degrade.temporal_reach == 0 and not self.degrade.wraps and count < n:
            with suppress(RequestError):
                boxes = [Box.all_of(whole)._replace(first=k, last=min(k + count, n)) for k in range(0, n, count)]
                parts = [slice(box.first, box.last) for box in boxes]
                return [
                    (part, self.degrade.local(whole, box), self.misfit.share(part))
                    for part, box in zip(parts, boxes, strict=True)
                ]
        return [(slice(0, n), self.degrade, self.misfit)]


def _with_slope(x: Frames, slope: Frames, y: Measured, degrade: Degradation, misfit: Misfit) -> tuple[Tensor, Tensor]:
    """The data term and what was held out; the first's slope is put in its place."""
    with torch.enable_grad():
        gap = degrade(x.requires_grad_()) - y
    held_out = misfit.held_out(gap)
    data = misfit.to_slope_(gap.detach())  # in the place of gap, for the way back through A does not ask for it
    slope.copy_(torch.autograd.grad(gap, x, gap.detach())[0])
    return data, held_out
