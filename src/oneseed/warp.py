"""Moving frames along flows: W, the mask M, and the two lines of temporal mathematics (eqs 9 and 10)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from oneseed import compiled
from oneseed.sampling import Kernel, Sampler
from oneseed.shapes import Flow, Frames, Mask, PairFlow, PairWeight

_Some = Float[Tensor, "P C H W"]
Estimate = Callable[[Tensor, Tensor], Tensor]  # frames here, frames there -> flow; the `estimate` of an estimator


class Warp:
    """W(., f): x -> x(p + f(p)), the border repeated; linear in x and fast when called again and again.

    The flow is a constant: no gradient reaches it. The identity flow is exactly the identity.

    Args:
        kernel: how values between pixels are read.
    """

    def __init__(self, flow: Flow, kernel: Kernel = "linear"):
        self.flow = flow.detach()
        self._sampler = Sampler(self.flow, kernel)
        self.taps = self._sampler.taps

    def __call__(self, x: Frames) -> Frames:
        return self._sampler(x)

    def adjoint(self, x: Frames) -> Frames:
        """Wᵀ x, exact."""
        return self._sampler.adjoint(x)


def backward_warp(x: Frames, flow: Flow) -> Frames:
    """W(x, f)(p) = x(p + f(p)), for a flow that is used once."""
    return Warp(flow)(x)


def in_bounds(flow: Flow) -> Mask:
    """Where p + f(p) still lies on the picture."""
    x, y = _targets(flow)
    height, width = flow.shape[-2:]
    return ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))[:, None]


def visible(forward: Flow, backward: Flow) -> Mask:
    """In bounds, and the forward-backward check: |f + b'|^2 < 0.01 (|f|^2 + |b'|^2) + 0.5 with b' = W(b, f).

    Source: Meister et al. 2018 (UnFlow), eq 2, alpha_1 = 0.01, alpha_2 = 0.5.
    """
    returned = backward_warp(backward, forward)
    gap = (forward + returned).square().sum(1, keepdim=True)
    reach = forward.square().sum(1, keepdim=True) + returned.square().sum(1, keepdim=True)
    return in_bounds(forward) & (gap < 0.01 * reach + 0.5)


class Link(NamedTuple):
    """Every frame n tied to frame n + step: how the second is carried onto the first, and where that counts.

    One pair per tied frame, in order of n. A negative step ties backwards in time; it is never 0.
    """

    step: int
    warp: Warp
    weight: PairWeight | Mask

    def gap(self, x: Frames) -> _Some:
        """(S − W) x: S picks the frames that have a neighbour at this distance."""
        here, there = pairs(x, self.step)
        return here - self.warp(there)

    def add_transposed(self, total: Frames, gap: _Some) -> None:
        """total += (S − W)ᵀ gap."""
        here, there = pairs(total, self.step)
        here += gap
        there -= self.warp.adjoint(gap)


def add_normals(
    total: Frames, x: Frames, links: Sequence[Link], times: Sequence[float | Tensor], together: int = compiled.TOGETHER
) -> list[Tensor]:
    """total += Σ times (S − W)ᵀ c (S − W) x, over all links; returns ‖√c (S − W) x‖² of each. A GPU is not waited for.

    Args:
        together: frames that are laid out anew at a time, on a CPU: more threads find work, and more memory is taken.
    """
    if all(compiled.takes(x, link.warp.flow) for link in links):
        ties = [
            compiled.Tie(link.step, link.warp.flow, link.weight, float(often), link.warp.taps)
            for link, often in zip(links, times, strict=True)
        ]
        return [x.new_tensor(power) for power in compiled.add_normals(total, x, ties, together)]
    powers = []
    for link, often in zip(links, times, strict=True):
        gap = link.gap(x)
        seen = gap * link.weight.to(x.dtype)
        powers.append((gap * seen).sum())
        link.add_transposed(total, seen.mul_(often))
    return powers


def pairs(x: Frames, step: int) -> tuple[_Some, _Some]:
    """Frames n and frames n + step, for every n that has both."""
    return (x[:-step], x[step:]) if step > 0 else (x[-step:], x[:step])


@torch.no_grad()
def tie(x: Frames, steps: Iterable[int], estimate: Estimate, kernel: Kernel = "linear") -> list[Link]:
    """Links from the motion seen in x, weighted 1 where visible and 0 elsewhere; steps beyond the clip are left out.

    Where steps come in both signs, the flow back of one is the other's own: nothing is estimated twice.
    """
    steps = _within(x, steps)
    return _links(_flows(x, steps, estimate), steps, x.dtype, kernel)


def _within(x: Frames, steps: Iterable[int]) -> list[int]:
    return [step for step in steps if 0 < abs(step) < len(x)]


def _flows(x: Frames, steps: Sequence[int], estimate: Estimate) -> dict[int, PairFlow]:
    """The flow at every step, and back."""
    return {step: estimate(*pairs(x, step)) for step in sorted({sign * step for step in steps for sign in (1, -1)})}


def _links(
    flows: Mapping[int, PairFlow], steps: Sequence[int], dtype: torch.dtype, kernel: Kernel = "linear"
) -> list[Link]:
    return [Link(step, Warp(flows[step], kernel), visible(flows[step], flows[-step]).to(dtype)) for step in steps]


def coarsely(estimate: Estimate, factor: int) -> Estimate:
    """The same estimator on frames made `factor` times smaller; 1 changes nothing. Its flow is in pixels of the large ones."""
    if factor == 1:
        return estimate

    def look(here: Tensor, there: Tensor) -> Tensor:
        height, width = here.shape[-2:]
        small = max(height // factor, 1), max(width // factor, 1)
        flow = estimate(*(interpolate(frames, size=small, mode="area") for frames in (here, there)))
        scale = flow.new_tensor([width / small[1], height / small[0]]).view(1, 2, 1, 1)
        return scale * interpolate(flow, size=(height, width), mode="bilinear", align_corners=False)

    return look


def warp_loss(x: Frames, y: Frames, flow: Warp | PairFlow, weight: PairWeight | Mask) -> Tensor:
    """Eq 9 for a list of pairs: l(M * x, M * W(y, f)), l the squared error; weight is M or a confidence in [0, 1].

    The paper prints a plain sum. Here it is divided by the weight of what was compared, so that its size depends
    neither on the number of frames or pixels nor on how much is visible. Nothing visible gives 0.
    """
    warp = Warp(flow) if isinstance(flow, Tensor) else flow
    seen = weight.to(x.dtype)
    gap = (x - warp(y)).square() * seen
    return gap.sum() / (seen.sum() * x.shape[1]).clamp(min=1e-6)


def link_loss(x: Frames, links: Sequence[Link]) -> Tensor:
    """Eq 9, `warp_loss`, as the mean over links; 0 without any."""
    losses = [warp_loss(*pairs(x, step), warp, weight) for step, warp, weight in links]
    return torch.stack(losses).mean() if losses else x[:0].sum()


def add_link_slope(total: Frames, x: Frames, links: Sequence[Link], weight: float = 1.0) -> Tensor:
    """`weight` times `link_loss`; its gradient is added to `total` in the same pass."""
    if not links:
        return x.new_zeros(())
    shares = [weight / ((link.weight.sum(dtype=x.dtype) * x.shape[1]).clamp(min=1e-6) * len(links)) for link in links]
    powers = add_normals(total, x, links, [2 * share for share in shares], _FEW)
    return torch.stack([share * power for share, power in zip(shares, powers, strict=True)]).sum()


_FEW = compiled.TOGETHER // 2
"""Frames together: here is where an epoch holds most."""


class FlowMemory:
    """f^(t) = beta f^(t-1) + (1 - beta) f'^(t) (eq 10), for the frames at each distance that is asked for.

    The first estimate starts the average: the paper gives f no first value. The flow back is averaged too, so that
    the mask belongs to the flow that is used.

    Args:
        estimate: the `estimate` of an estimator.
        beta: weight of the past, 0 to 1.
        every: epochs from one estimate to the next.
        steps: distances of the frames to tie, in frames; negative is backwards. Those beyond the clip are left out.
    """

    def __init__(self, estimate: Estimate, beta: float, every: int, steps: Sequence[int] = (1,)):
        self.estimate, self.beta, self.every, self.steps = estimate, beta, every, tuple(steps)
        self.flows: dict[int, PairFlow] = {}
        """f by distance; empty before the first look."""
        self._links: list[Link] = []

    @torch.no_grad()
    def look(self, x: Frames, epoch: int) -> list[Link]:
        """The links of this epoch, estimated anew on x when `epoch` is a multiple of `every`."""
        if not self.flows or epoch % self.every == 0:
            steps = _within(x, self.steps)
            for step, fresh in _flows(x, steps, self.estimate).items():
                self._average(step, fresh)
            self._links = _links(self.flows, steps, torch.bool)
        return self._links

    @torch.no_grad()
    def remember(self, flows: dict[int, PairFlow]) -> None:
        """Go on from the flows of another memory."""
        self.flows = flows
        if flows:
            steps = [step for step in self.steps if step in flows]
            self._links = _links(flows, steps, torch.bool)

    @property
    def visible_share(self) -> float:
        """Share of the pixels that the mask lets through, 0 to 1; 0 before the first look."""
        shares = [weight.mean(dtype=torch.float32).item() for _, _, weight in self._links]
        return sum(shares) / len(shares) if shares else 0.0

    def _average(self, step: int, fresh: PairFlow) -> None:
        past = self.flows.get(step)
        self.flows[step] = fresh if past is None else self.beta * past + (1 - self.beta) * fresh


def _targets(flow: Flow) -> tuple[Tensor, Tensor]:
    """p + f(p), columns and rows, in pixels."""
    height, width = flow.shape[-2:]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype)
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    return columns + flow[:, 0], rows + flow[:, 1]
