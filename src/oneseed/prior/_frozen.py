"""A convolution whose weights never learn: linear, so that its way back needs nothing of what went in."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _Frozen(torch.autograd.Function):
    """PyTorch's own keeps its input for the weights' gradient, wanted or not: a feature map of full size for every frame."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, padding: Any, layout: torch.memory_format) -> Tensor:
        return F.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.weight, _, ctx.padding, ctx.layout = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor):  # type: ignore[override]
        gradient = gradient.contiguous(memory_format=ctx.layout)
        return F.conv_transpose2d(gradient, ctx.weight, padding=ctx.padding), None, None, None, None


def frozen(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """conv(x), of stride 1, with zeros around.

    There and back in the layout of x: else that of the weights decides, and feature maps are copied from one to the other.
    """
    assert (conv.stride, conv.dilation, conv.groups, conv.padding_mode) == ((1, 1), (1, 1), 1, "zeros")
    assert not isinstance(conv.padding, str)
    rows = x.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if rows else torch.contiguous_format
    weight = conv.weight.contiguous(memory_format=layout)
    return _Frozen.apply(x, weight, conv.bias, conv.padding, layout)  # type: ignore[no-any-return]
