"""A small latent diffusion model of photographs that ships with the package (8 x 8 pixels a latent)."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneseed import ddim, torchvision_operators
from oneseed.ddim import Spacing
from oneseed.errors import RequestError
from oneseed.shapes import Frames

__all__ = ["Tiny"]

SHIPPED = Path(__file__).parent / "tiny_weights"


class Tiny(nn.Module):
    """AutoencoderTiny and UNet2DModel of diffusers, with the schedule they were trained on.

    Args:
        folder: what `oneseed train` wrote: `vae/`, `unet/` and `scheduler/`, as diffusers lays them out.

    Raises:
        RequestError: the folder lacks a part.
    """

    abar: Tensor

    def __init__(self, folder: Path = SHIPPED):
        super().__init__()
        folder = Path(folder)
        for part in ("vae/config.json", "unet/config.json", "scheduler/scheduler_config.json"):
            if not (folder / part).is_file():
                raise RequestError(
                    f"{folder} holds no {part}; needed is a folder that `oneseed train` wrote. Name one."
                )
        torchvision_operators.declare()
        from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
        from diffusers.models.unets.unet_2d import UNet2DModel

        self.name = "tiny" if folder == SHIPPED else folder.name
        vae: Any = AutoencoderTiny.from_pretrained(folder / "vae", use_safetensors=True, low_cpu_mem_usage=False)
        unet: Any = UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True, low_cpu_mem_usage=False)
        self.encoder, self.unet = vae.encoder, unet.float()
        self.body, self.tail = vae.decoder.layers[:-1], vae.decoder.layers[-1]
        self.float()
        self.scale = float(vae.config.scaling_factor)  # latents that R sees = scale x latents that D sees
        self.register_buffer("abar", _abar(folder / "scheduler/scheduler_config.json"), persistent=False)
        self.grain = 8 * 2 ** (len(unet.config.block_out_channels) - 1)  # frames' sides are padded to multiples of it
        self.latent_channels = int(vae.config.latent_channels)
        self.requires_grad_(False).eval()

    def seed_shape(self, height: int, width: int) -> tuple[int, int, int]:
        h, w = (-(-side // self.grain) * self.grain // 8 for side in (height, width))
        return self.latent_channels, h, w

    def reverse(self, z: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.reverse(z, self._eps, self.abar, steps, spacing, checkpoint=True)

    def invert(self, latent: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.invert(latent, self._eps, self.abar, steps, spacing)

    def _eps(self, z: Tensor, t: int) -> Tensor:
        return self.unet(z, t).sample

    def decode_body(self, latent: Tensor) -> Tensor:
        return self.body(torch.tanh(latent / self.scale / 3) * 3)  # the soft clamp is AutoencoderTiny's own

    def decode_tail(self, feature: Tensor) -> Tensor:
        return self.tail(feature)

    def encode(self, x: Frames) -> Tensor:
        _, h, w = self.seed_shape(*x.shape[-2:])
        x = F.pad(x, (0, 8 * w - x.shape[-1], 0, 8 * h - x.shape[-2]), mode="replicate")
        return self.encoder(2 * x - 1) * self.scale


def _abar(config: Path) -> Tensor:
    """Alpha-bar of the trained steps, from a scheduler's own file."""
    schedule = json.loads(config.read_text())
    start, end, steps = schedule["beta_start"], schedule["beta_end"], schedule["num_train_timesteps"]
    if schedule["beta_schedule"] == "scaled_linear":
        betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64).square()
    elif schedule["beta_schedule"] == "linear":
        betas = torch.linspace(start, end, steps, dtype=torch.float64)
    else:
        raise RequestError(
            f"{config} has the beta schedule {schedule['beta_schedule']!r}; known are scaled_linear and linear. "
            "Use a prior with one of these."
        )
    return (1 - betas).cumprod(0).float()
