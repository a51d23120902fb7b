"""The noise predictor of `tiny`: eps_theta on the auto-encoder's latents."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from oneseed import torchvision_operators
from oneseed.device import fast_in_bfloat16
from oneseed.train.run import Trained, load_weights, train

SCHEDULE = {  # Stable Diffusion's noise; what is predicted stays well-posed where a picture is nearly all noise
    "_class_name": "DDIMScheduler",
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
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
def latents_of(photos: list[Tensor], encoder: nn.Module, device: torch.device) -> list[Tensor]:
    """Every photo and its mirror image, encoded: `c h w`, on the CPU."""
    found = []
    for photo in photos:
        _, height, width = (side // 8 * 8 for side in photo.shape)
        x = photo[None, :, :height, :width].to(device).float() / 255
        x = torch.cat([x, x.flip(-1)]).to(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast_in_bfloat16(device)):
            found += list(encoder(x).float().cpu())
    return found


def train_noise_predictor(
    latents: list[Tensor], plan: NoisePlan, folder: Path, device: torch.device, begin: Path | None = None
) -> Iterator[Trained]:
    """Yields after every step; the loss is the mean squared error of v = √ᾱ s − √(1 − ᾱ) z_0 (Salimans and Ho 2022).

    Args:
        latents: of unit variance, `c h w` each.
        begin: weights to begin with.
    """
    model = build(plan, latents[0].shape[0])
    if begin is not None:
        load_weights(model, begin)
    model.to(device, memory_format=torch.channels_last)
    betas = (
        torch.linspace(SCHEDULE["beta_start"] ** 0.5, SCHEDULE["beta_end"] ** 0.5, SCHEDULE["num_train_timesteps"]) ** 2
    )
    abar = (1 - betas.double()).cumprod(0).float().to(device)

    def loss(step: int) -> Tensor:
        draw = np.random.default_rng([plan.seed, step])
        z0 = torch.stack([_crop(latents[draw.integers(len(latents))], plan.crop, draw) for _ in range(plan.batch)])
        z0 = z0.to(device)
        t = torch.from_numpy(draw.integers(len(abar), size=plan.batch)).to(device)
        noise = torch.from_numpy(draw.standard_normal(z0.shape, dtype=np.float32)).to(device)
        signal, strength = (part.sqrt().view(-1, 1, 1, 1) for part in (abar[t], 1 - abar[t]))
        z_t = (signal * z0 + strength * noise).to(memory_format=torch.channels_last)
        return (model(z_t, t).sample.float() - (signal * noise - strength * z0)).square().mean()

    yield from train(model, loss, plan.steps, plan.lr, folder / "noise_predictor.ckpt", device)


def _crop(latent: Tensor, size: int, draw: np.random.Generator) -> Tensor:
    _, h, w = latent.shape
    top, left = draw.integers(h - size + 1), draw.integers(w - size + 1)
    return latent[:, top : top + size, left : left + size]
