"""A convolution whose weights never learn: linear, so that its way back needs nothing of what went in."""

from typing import Any

import torch
from torch import Tensor

from oneseed.last_layer import LastLayer


class _Frozen(torch.autograd.Function):
    """PyTorch's own keeps its input for the weights' gradient, wanted or not: a feature map of full size for every frame."""

    @staticmethod
    def forward(x: Tensor, layer: LastLayer, layout: torch.memory_format) -> Tensor:
        return layer(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.layer, ctx.layout = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor):  # type: ignore[override]
        return ctx.layer.transposed(gradient.contiguous(memory_format=ctx.layout)), None, None


def frozen(layer: LastLayer, x: Tensor) -> Tensor:
    """layer(x).

    There and back in the layout of x: else that of the weights decides, and feature maps are copied from one to the other.
    """
    rows = x.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if rows else torch.contiguous_format
    return _Frozen.apply(x, layer.laid_out(layout), layout)  # type: ignore[no-any-return]
