"""Reading pictures between their pixels, and the exact transpose.

`grid_sample` wants coordinates scaled to [-1, 1], where whole pixels are not exact. Here both directions are a list of pixels
to add up, with weights, in the same order every time: as tables that are made once, or on a CPU, for few channels, `compiled`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn import functional as F

from oneseed import compiled
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
        table = x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).reshape(-1, c)
        weight = self.weight.to(x.dtype)
        rows = F.embedding_bag(
            self.source, table, self.start, mode="sum", per_sample_weights=weight, include_last_offset=True
        )
        return rows.view(n, h, w, c).permute(0, 3, 1, 2)

    def transposed(self) -> "_Sums":
        """In the order of the rows that are added up; by counting on a CPU, which is ten times as fast as sorting."""
        countable = self.source.device.type == "cpu" and self.weight.dtype in (torch.float32, torch.float64)
        return self._counted() if countable else self._sorted()

    def _sorted(self) -> "_Sums":
        rows = len(self.start) - 1
        order = self.source.argsort(stable=True)
        lengths = torch.bincount(self.source, minlength=rows)
        owner = torch.arange(rows, device=order.device).repeat_interleave(self.start.diff())
        start = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        return _Sums(owner[order].int(), self.weight[order], start.int())

    def _counted(self) -> "_Sums":
        rows = len(self.start) - 1
        table = csr_array((self.weight.numpy(), self.source.numpy(), self.start.numpy()), shape=(rows, rows)).tocsc()
        return _Sums(*(torch.from_numpy(part) for part in (table.indices, table.data, table.indptr)))


class Sampler:
    """x -> x(p + f(p)) and its exact transpose. Linear in x; the flow is a constant."""

    def __init__(self, flow: Flow, kernel: Kernel = "linear"):
        self.flow = flow
        self.kernel: Kernel = kernel
        self._gather: _Sums | None = None
        self._scatter: _Sums | None = None

    def __call__(self, x: Frames) -> Frames:
        return _Apply.apply(x, self, False)

    def adjoint(self, x: Frames) -> Frames:
        return _Apply.apply(x, self, True)

    @property
    def taps(self) -> tuple[int, ...]:
        """Where it reads, from the pixel before the target."""
        _, reach = _KERNELS[self.kernel]
        return tuple(range(1 - reach, 1 + reach))

    def plainly(self, x: Frames, transposed: bool) -> Frames:
        """By tables, which are made when they are asked for first and kept."""
        if self._gather is None:
            self._gather = _neighbours(self.flow, *_KERNELS[self.kernel])
        if not transposed:
            return self._gather(x)
        if self._scatter is None:
            self._scatter = self._gather.transposed()
        return self._scatter(x)

    def apply(self, x: Frames, transposed: bool) -> Frames:
        """Values alone, no gradient."""
        n, _, h, w = x.shape
        if (n, h, w) != (len(self.flow), *self.flow.shape[2:]):
            raise ValueError(f"frames are {n} of {w}x{h}, which is not what the flow was made for")
        if not compiled.takes(x, self.flow):
            return self.plainly(x, transposed)
        return compiled.warp(x, self.flow, self.taps, transposed)


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, sampler: Sampler, transposed: bool) -> Tensor:
        return sampler.apply(x, transposed)

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
    x = (torch.arange(width, device=device, dtype=dtype) + flow[:, 0]).clamp_(0, width - 1)
    y = (torch.arange(height, device=device, dtype=dtype)[:, None] + flow[:, 1]).clamp_(0, height - 1)
    left, top = x.floor(), y.floor()
    around = torch.arange(1 - reach, 1 + reach, device=device, dtype=torch.int32)
    first = torch.arange(n, device=device, dtype=torch.int32).view(n, 1, 1, 1) * (height * width)
    columns = (left.int()[..., None] + around).clamp_(0, width - 1)
    rows = (top.int()[..., None] + around).clamp_(0, height - 1).mul_(width).add_(first)
    across, down = kernel((x - left)[..., None] - around), kernel((y - top)[..., None] - around)
    source = rows[..., :, None] + columns[..., None, :]
    weight = down[..., :, None] * across[..., None, :]
    start = torch.arange(0, source.numel() + 1, source.shape[-2] * source.shape[-1], device=device, dtype=torch.int32)
    return _Sums(source.flatten(), weight.flatten(), start)
