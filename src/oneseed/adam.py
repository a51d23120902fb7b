"""Line 17 of Algorithm 1: Adam (Kingma and Ba 2015), PyTorch's. What a frame's factors receive can be used up at once."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam


class Adam(torch.optim.Adam):
    """For z_shared, and for A and B by a rate of their own.

    Args:
        fused: one pass over each; PyTorch's own loop is the specification.
    """

    def __init__(
        self, z_shared: nn.Parameter, factors: Iterable[nn.Parameter], lr_seed: float, lr_residual: float, fused: bool
    ):
        self.factors = list(factors)
        super().__init__(
            [{"params": [z_shared], "lr": lr_seed}, {"params": self.factors, "lr": lr_residual}], fused=fused
        )
        for factor in self.factors:
            self.state[factor] |= {
                "step": torch.zeros((), device=factor.device if fused else "cpu"),
                "exp_avg": torch.zeros_like(factor),
                "exp_avg_sq": torch.zeros_like(factor),
            }
        self._learnt = False

    @torch.no_grad()
    def learn(self, n: int, *gradients: Tensor) -> None:
        """The step of frame n's factors, before `step`: then no gradients of all frames are there together."""
        group, self._learnt = self.param_groups[1], True
        states = [self.state[factor] for factor in self.factors]
        beta1, beta2 = group["betas"]
        adam(
            [factor[n] for factor in self.factors],
            list(gradients),
            [state["exp_avg"][n] for state in states],
            [state["exp_avg_sq"][n] for state in states],
            [],
            [state["step"].clone() for state in states],  # all frames are at the same step
            fused=group["fused"], amsgrad=False, beta1=beta1, beta2=beta2, lr=group["lr"],
            weight_decay=group["weight_decay"], eps=group["eps"], maximize=group["maximize"],
        )  # fmt: skip

    def step(self, closure: Any = None) -> Any:
        """All that has gradients; and the end of the step of what has learnt."""
        if self._learnt:
            for factor in self.factors:
                self.state[factor]["step"] += 1
        self._learnt = False
        return super().step(closure)
