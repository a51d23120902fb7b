"""Networks in half precision between variables in full precision, with gradients that do not vanish on the way back.

A mean over a video spreads its gradient over millions of numbers, each below what float16 can tell from zero. Here they are
scaled to a largest of one as they enter the half, and scaled back as they leave it.
"""

from collections.abc import Callable

import torch
from torch import Tensor


class _Cast(torch.autograd.Function):
    """To another precision; the ways back differ."""

    @staticmethod
    def forward(ctx, x: Tensor, scale: list[Tensor], dtype: torch.dtype) -> Tensor:  # type: ignore[override]
        ctx.scale, ctx.dtype = scale, x.dtype
        return x.to(dtype)


class _Enter(_Cast):
    @staticmethod
    def backward(ctx, gradient: Tensor):  # type: ignore[override]
        return gradient.to(ctx.dtype) * ctx.scale.pop(), None, None


class _Leave(_Cast):
    @staticmethod
    def backward(ctx, gradient: Tensor):  # type: ignore[override]
        largest = gradient.abs().amax().clamp(min=torch.finfo(gradient.dtype).tiny)
        ctx.scale.append(largest)
        return (gradient / largest).to(ctx.dtype), None, None


def in_precision(network: Callable[[Tensor], Tensor], x: Tensor, dtype: torch.dtype) -> Tensor:
    """network(x), computed in `dtype`, from and to the precision of x. The same precision: nothing is done."""
    if x.dtype == dtype:
        return network(x)
    reaches = torch.finfo(dtype).tiny <= torch.finfo(x.dtype).tiny  # bfloat16 loses digits, and no small number
    if reaches or not (torch.is_grad_enabled() and x.requires_grad):
        return network(x.to(dtype)).to(x.dtype)
    scale: list[Tensor] = []
    return _Leave.apply(network(_Enter.apply(x, scale, dtype)), scale, x.dtype)  # type: ignore[no-any-return]
