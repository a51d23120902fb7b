"""Short runs of Algorithm 1, and degradations that try its patience."""

import dataclasses
from typing import Any

import torch
from tests.moving_clip import moving_clip
from tests.toy_denoiser import ToyDenoiser
from tests.toy_prior import ToyPrior
from torch import Tensor

from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.flow.dis import Dis
from oneseed.recipe import Recipe
from oneseed.restore import Epoch, optimise

QUICK = Recipe(
    epochs=6, lr_seed=0.05, lr_residual=0.03, radius=0.05, warp_weight=0.5, warp_from=2, flow_every=2, first_steps=8,
    rounds=1, round_steps=5, reach=1, fit_epochs=3, hold_out=0.1, patience=0, finish_rounds=1, finish_steps=5, exact_steps=0,
    denoise_rounds=1,
)  # fmt: skip
POORLY_BEGUN = dataclasses.replace(QUICK, first_steps=1, rounds=0)  # leaves the chain something to do
PAPER = dataclasses.replace(
    QUICK,
    start="noise",
    follow_motion=False,
    hold_out=0.0,
    finish_rounds=0,
    denoise_rounds=0,
    warp_weight=0.1,
    radius=1.0,
)


class Square(Degradation):
    """A camera with a curve, on top of low resolution: not linear."""

    linear = False

    def __init__(self):
        super().__init__()
        self.arguments = {}

    def forward(self, x: Tensor) -> Tensor:
        return Downsample(2)(x) ** 2

    def clean_shape(self, shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        return Downsample(2).clean_shape(shape)


class Fails(Degradation):
    """Numbers only for a while."""

    def __init__(self, calls: float):
        super().__init__()
        self.left = calls

    def forward(self, x: Tensor) -> Tensor:
        self.left -= 1
        return x if self.left >= 0 else x * torch.nan


def epochs_of(recipe: Recipe, A: Degradation | None = None, y: Tensor | None = None, **others: Any) -> list[Epoch]:
    A = A or Mask(0.5)
    return list(
        optimise(A(moving_clip()) if y is None else y, A, ToyPrior(), Dis(), recipe, denoiser=ToyDenoiser(), **others)
    )


def numbers(epochs: list[Epoch]) -> list[tuple[str, int]]:
    return [(epoch.phase, epoch.number) for epoch in epochs]
