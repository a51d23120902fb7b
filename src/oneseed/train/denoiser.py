"""The denoiser of `tiny`: Gaussian noise of any strength off photographs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from oneseed.denoise._network import DenoisingUNet
from oneseed.train.photos import Crops
from oneseed.train.run import Trained, load_weights, train


@dataclass(frozen=True, kw_only=True)
class DenoiserPlan:
    """How the denoiser is built and trained."""

    widths: tuple[int, ...] = (64, 96, 128)
    """Channels of each level; each halves the resolution."""
    blocks: int = 2
    """Residual blocks of each level, down and up."""
    crop: int = 128
    """Side of a training crop, pixels."""
    batch: int = 8
    steps: int = 16000
    lr: float = 1e-3
    """Adam's step at its highest; falls to zero as a half cosine."""
    strongest: float = 0.2
    """Largest standard deviation of the noise; weak noise is drawn more often, as the square of a uniform number."""
    exposure: float = 0.3
    """Crops are made darker or brighter by a factor of up to e to this power."""
    seed: int = 0


def build(plan: DenoiserPlan) -> DenoisingUNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return DenoisingUNet(plan.widths, plan.blocks)


def train_denoiser(
    photos: list[Tensor], plan: DenoiserPlan, folder: Path, device: torch.device, begin: Path | None = None
) -> Iterator[Trained]:
    """Yields after every step; the loss is the mean absolute error. Resumes and begins as the auto-encoder does."""
    crops = Crops(photos, plan.crop, plan.seed, plan.exposure)
    model = build(plan)
    if begin is not None:
        load_weights(model, begin)
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss(step: int) -> Tensor:
        draw = np.random.default_rng([plan.seed, step, 1])
        x = crops.batch(step, plan.batch)
        sigma = torch.from_numpy(plan.strongest * draw.random(plan.batch, dtype=np.float32) ** 2)
        noise = torch.from_numpy(draw.standard_normal(x.shape, dtype=np.float32)) * sigma.view(-1, 1, 1, 1)
        x, noise = (part.to(device, memory_format=torch.channels_last) for part in (x, noise))
        return (model(x + noise, sigma.to(device)).float() - x).abs().mean()

    yield from train(model, loss, plan.steps, plan.lr, folder / "denoiser.ckpt", device)
