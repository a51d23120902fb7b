"""The auto-encoder of `tiny`: D and its inverse, 8 x 8 pixels to one latent."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oneseed import torchvision_operators
from oneseed.metrics.lpips import Lpips
from oneseed.train.photos import Crops
from oneseed.train.run import Trained, train


@dataclass(frozen=True, kw_only=True)
class AutoencoderPlan:
    """How the auto-encoder is built and trained."""

    width: int = 48
    """Channels of every layer, the last one included: the residual's channels."""
    latent_channels: int = 16
    crop: int = 96
    """Side of a training crop, pixels."""
    batch: int = 16
    steps: int = 2800
    lr: float = 1.5e-3
    """Adam's step at its highest; falls to zero as a half cosine."""
    perceptual: float = 0.1
    """Weight of LPIPS beside the mean absolute error."""
    seed: int = 0


def build(plan: AutoencoderPlan) -> Any:
    """diffusers' AutoencoderTiny: no attention and no norm, so that one frame costs little and the last layer is linear."""
    torchvision_operators.declare()
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return AutoencoderTiny(
            latent_channels=plan.latent_channels,
            encoder_block_out_channels=(plan.width,) * 4,
            decoder_block_out_channels=(plan.width,) * 4,
            num_encoder_blocks=(0, 1, 2, 2),
            num_decoder_blocks=(3, 3, 2, 1),
        )


def reconstruct(model, x: Tensor) -> Tensor:
    """Decoder after encoder; pictures in [0, 1] both ways. The model itself speaks [-1, 1] at its output."""
    return model.decoder(model.encoder(2 * x - 1)).add(1).div(2)


def train_autoencoder(
    photos: list[Tensor], plan: AutoencoderPlan, folder: Path, lpips: Lpips | None, device: torch.device
) -> Iterator[Trained]:
    """Yields after every step. Resumes from `folder` if a checkpoint lies there."""
    crops = Crops(photos, plan.crop, plan.seed)
    model = build(plan).to(device, memory_format=torch.channels_last)
    perceptual = lpips.to(device) if lpips else None

    def loss(step: int) -> Tensor:
        x = crops.batch(step, plan.batch).to(device, memory_format=torch.channels_last)
        latent = model.encoder(2 * x - 1)
        y = model.decoder(latent).add(1).div(2)
        total = (y - x).abs().mean() + 1e-3 * latent.float().square().mean()  # the last keeps latents inside the clamp
        if perceptual is not None:
            total = total + plan.perceptual * perceptual(y, x).mean()
        return total

    yield from train(model, loss, plan.steps, plan.lr, folder / "autoencoder.ckpt", device)
