"""Reading pictures between their pixels: a sampler that is built once and applied many times.

`grid_sample` wants coordinates scaled to [-1, 1], where whole pixels are not exact, and finds the neighbours anew at every
call. Here both directions are a list of pixels to add up, with weights: exact, in the same order every time, and 1.7 times
as fast forwards and backwards on a CPU (bilinear).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from oneseed.shapes import Flow, Frames

Kernel = Literal["linear", "cubic"]
"""What is between pixels: `linear` blurs at half pixels; `cubic` hardly does, for four times the work."""


@dataclass(frozen=True)
class _Sums:
    """Row r of the output is the sum of `weight[i] * table[source[i]]` for i from `start[r]` to `start[r + 1]`."""

    source: Int[Tensor, " E"]
    weight: Float[Tensor, " E"]
    start: Int[Tensor, " R"]

    def __call__(self, x: Frames) -> Frames:
        n, c, h, w = x.shape
        if n * h * w != len(self.start) - 1:
            raise ValueError(f"frames are {n} of {w}x{h}, which is not what the flow was made for")
        table = x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).reshape(-1, c)
        weight = self.weight.to(x.dtype)
        rows = F.embedding_bag(
            self.source, table, self.start, mode="sum", per_sample_weights=weight, include_last_offset=True
        )
        return rows.view(n, h, w, c).permute(0, 3, 1, 2)

    def transposed(self) -> "_Sums":
        rows = len(self.start) - 1
        order = self.source.argsort(stable=True)
        lengths = torch.bincount(self.source, minlength=rows)
        owner = torch.arange(rows, device=order.device).repeat_interleave(self.start.diff())
        start = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        return _Sums(owner[order].int(), self.weight[order], start.int())


class Sampler:
    """x -> x(p + f(p)) and its exact transpose. Linear in x; the flow is a constant."""

    def __init__(self, flow: Flow, kernel: Kernel = "linear"):
        self._gather = _neighbours(flow, *_KERNELS[kernel])
        self._scatter: _Sums | None = None

    def __call__(self, x: Frames) -> Frames:
        return _Apply.apply(x, self, False)

    def adjoint(self, x: Frames) -> Frames:
        return _Apply.apply(x, self, True)

    def sums(self, transposed: bool) -> _Sums:
        if not transposed:
            return self._gather
        if self._scatter is None:  # sorting is the dear part, and only gradients need it
            self._scatter = self._gather.transposed()
        return self._scatter


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, sampler: Sampler, transposed: bool) -> Tensor:
        return sampler.sums(transposed)(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.sampler, ctx.transposed = inputs

    @staticmethod
    def backward(ctx, grad):
        return _Apply.apply(grad, ctx.sampler, not ctx.transposed), None, None


def _linear(t: Tensor) -> Tensor:
    """The hat: 1 - |t| within one pixel."""
    return (1 - t.abs()).clamp(min=0)


def _cubic(t: Tensor) -> Tensor:
    """Cubic convolution with a = -0.75 (Keys 1981), the sharper of the two values in use."""
    a, t = -0.75, t.abs()
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return torch.where(t <= 1, near, torch.where(t < 2, far, torch.zeros_like(t)))


_KERNELS: dict[Kernel, tuple[Callable[[Tensor], Tensor], int]] = {"linear": (_linear, 1), "cubic": (_cubic, 2)}
"""Each with the pixels that it reaches."""


def _neighbours(flow: Flow, kernel: Callable[[Tensor], Tensor], reach: int) -> _Sums:
    """The (2 reach)² pixels around each target, the border repeated."""
    n, _, height, width = flow.shape
    device, dtype = flow.device, flow.dtype
    x = (torch.arange(width, device=device, dtype=dtype) + flow[:, 0]).clamp(0, width - 1)
    y = (torch.arange(height, device=device, dtype=dtype)[:, None] + flow[:, 1]).clamp(0, height - 1)
    left, top = x.floor(), y.floor()
    first = torch.arange(n, device=device).view(n, 1, 1) * (height * width)
    around = range(1 - reach, 1 + reach)
    columns = [((left.long() + i).clamp(0, width - 1), kernel(x - left - i)) for i in around]
    rows = [(first + (top.long() + j).clamp(0, height - 1) * width, kernel(y - top - j)) for j in around]
    source = torch.stack([row + column for row, _ in rows for column, _ in columns], -1)
    weight = torch.stack([b * a for _, b in rows for _, a in columns], -1)
    start = torch.arange(0, source.numel() + 1, source.shape[-1], device=device)
    return _Sums(source.flatten().int(), weight.flatten(), start.int())
