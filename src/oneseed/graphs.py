"""R and D2 on a GPU as one CUDA graph there and one back: a thousand kernels begin as one, and none waits for Python.

`torch.compile` would take minutes to begin with, of which a search has one or two.
"""

import warnings

import torch
from torch import Tensor

from oneseed.prior.base import Map

CLOSE = 0.02
"""Relative distance of values and gradients up to which a graph does the same: kernels of half precision are free to add up
in another order."""


def recorded(function: Map, x: Tensor) -> Map:
    """`function` as a graph for inputs like x; as it is on other devices, where it cannot be recorded, or comes out different.

    What a call returns is overwritten by the next, and there is a way back through the last call alone.
    """
    if not takes(x):
        return function
    x = x.detach().clone().requires_grad_()
    try:
        expected = _there_and_back(function, x)
        torch.cuda.empty_cache()  # a graph has memory of its own
        graph: Map = torch.cuda.make_graphed_callables(function, (x,))  # type: ignore[assignment]
        torch.cuda.empty_cache()
        distance = max(map(_distance, _there_and_back(graph, x), expected))
        if distance <= CLOSE:
            return graph
        reason = f"it differs by {distance:.2g}"
    except RuntimeError as error:  # the network waits for the CPU, or there is too little memory
        reason = str(error).splitlines()[0]
    warnings.warn(
        f"R and D2 do not run as a CUDA graph ({reason}); an epoch takes longer", RuntimeWarning, stacklevel=2
    )
    return function


def takes(x: Tensor) -> bool:
    return x.device.type == "cuda"


def _there_and_back(function: Map, x: Tensor) -> tuple[Tensor, Tensor]:
    """What comes of x, and what x receives."""
    with torch.enable_grad():
        y = function(x)
        (gradient,) = torch.autograd.grad(y.square().mean(), x)
    return y.detach().clone(), gradient.clone()


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm().clamp(min=1e-12))
