"""The noise predictor of `tiny`: eps_theta on the auto-encoder's latents."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from oneseed import torchvision_operators
from oneseed.train.run import Trained, train

SCHEDULE = {  # Stable Diffusion's
    "_class_name": "DDIMScheduler",
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "epsilon",
    "timestep_spacing": "trailing",
    "clip_sample": False,
}


@dataclass(frozen=True, kw_only=True)
class NoisePlan:
    """How the noise predictor is built and trained."""

    widths: tuple[int, ...] = (64, 128, 192)
    """Channels of each level; each halves the resolution. The last has attention."""
    crop: int = 24
    """Side of a training crop, latents."""
    batch: int = 16
    steps: int = 1500
    lr: float = 8e-4
    """Adam's step at its highest; falls to zero as a half cosine."""
    seed: int = 0


def build(plan: NoisePlan, channels: int) -> Any:
    """diffusers' UNet2DModel, without conditions."""
    torchvision_operators.declare()
    from diffusers.models.unets.unet_2d import UNet2DModel

    plain = len(plan.widths) - 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return UNet2DModel(
            sample_size=plan.crop,
            in_channels=channels,
            out_channels=channels,
            block_out_channels=plan.widths,
            down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D",),
            up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * plain,
            layers_per_block=1,
            norm_num_groups=16,
        )


@torch.no_grad()
def latents_of(photos: list[Tensor], autoencoder, device: torch.device) -> list[Tensor]:
    """Every photo and its mirror image, encoded: `c h w`, on the CPU."""
    found = []
    for photo in photos:
        _, height, width = (side // 8 * 8 for side in photo.shape)
        x = photo[None, :, :height, :width].to(device).float() / 127.5 - 1
        x = torch.cat([x, x.flip(-1)]).to(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            found += list(autoencoder.encoder(x).float().cpu())
    return found


def train_noise_predictor(
    latents: list[Tensor], scale: float, plan: NoisePlan, folder: Path, device: torch.device
) -> Iterator[Trained]:
    """Yields after every step; the loss is the mean squared error of the predicted noise.

    Args:
        scale: brings the latents to unit variance.
    """
    channels = latents[0].shape[0]
    model = build(plan, channels).to(device, memory_format=torch.channels_last)
    betas = (
        torch.linspace(SCHEDULE["beta_start"] ** 0.5, SCHEDULE["beta_end"] ** 0.5, SCHEDULE["num_train_timesteps"]) ** 2
    )
    abar = (1 - betas.double()).cumprod(0).float().to(device)

    def loss(step: int) -> Tensor:
        draw = np.random.default_rng([plan.seed, step])
        z0 = torch.stack([_crop(latents[draw.integers(len(latents))], plan.crop, draw) for _ in range(plan.batch)])
        z0 = (z0 * scale).to(device)
        t = torch.from_numpy(draw.integers(len(abar), size=plan.batch)).to(device)
        noise = torch.from_numpy(draw.standard_normal(z0.shape, dtype=np.float32)).to(device)
        a = abar[t].view(-1, 1, 1, 1)
        z_t = (a.sqrt() * z0 + (1 - a).sqrt() * noise).to(memory_format=torch.channels_last)
        return (model(z_t, t).sample.float() - noise).square().mean()

    yield from train(model, loss, plan.steps, plan.lr, folder / "noise_predictor.ckpt", device)


def _crop(latent: Tensor, size: int, draw: np.random.Generator) -> Tensor:
    _, h, w = latent.shape
    top, left = draw.integers(h - size + 1), draw.integers(w - size + 1)
    return latent[:, top : top + size, left : left + size]
