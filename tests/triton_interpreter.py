"""What a process of its own does, in which Triton interprets: there triton's own functions are replaced for good."""

import os
from unittest.mock import patch

import torch
from jaxtyping import install_import_hook
from torch import Tensor


def start() -> None:
    """To be called before triton and oneseed are imported."""
    os.environ["TRITON_INTERPRET"] = "1"
    torch.set_num_threads(1)
    install_import_hook("oneseed", "beartype.beartype")  # as in every test


def added(x: Tensor, A: Tensor, B: Tensor, weight: Tensor, held: int) -> Tensor:
    """x, to all of whose frames but the first and the last something is added."""
    from oneseed import tail_triton

    x = x.clone()
    with patch.object(tail_triton, "HELD", held):
        tail_triton.add_residual(x[1:-1], A, B, weight)
    return x


def gradients(g: Tensor, A: Tensor, B: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    from oneseed import tail_triton

    return tail_triton.residual_back(g, A, B, weight)


def added_back(dB: Tensor, g: Tensor, A: Tensor, weight: Tensor) -> Tensor:
    """dB, to all of whose frames but the first and the last something is added."""
    from oneseed import tail_triton

    dB = dB.clone()
    tail_triton._add_back(g, A, weight, dB[1:-1])
    return dB


def beside(h: Tensor, A: Tensor, B: Tensor, weight: Tensor, flow: Tensor, g: Tensor) -> tuple[Tensor, ...]:
    """Whole frames of features that move, and what h, A and B receive."""
    from oneseed.last_layer import LastLayer
    from oneseed.tail import frames_beside
    from oneseed.warp import Warp

    learnt = h.requires_grad_(), A.requires_grad_(), B.requires_grad_()
    motion = [Warp(one[None]) for one in flow]
    x = frames_beside(*learnt, LastLayer(weight, weight.new_ones(3)), motion)
    return x.detach(), *torch.autograd.grad(x, learnt, g)


def taken(A: Tensor) -> bool:
    from oneseed import tail_triton

    return tail_triton.takes(A)
