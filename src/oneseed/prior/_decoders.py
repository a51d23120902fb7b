"""The decoders of Stable Diffusion's family, cut before their last convolution, and their encoders.

Latents are those of the noise predictor, of about unit variance; frames are in [0, 1].
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as recompute

from oneseed.errors import RequestError


class Kl(nn.Module):
    """diffusers' AutoencoderKL: D1 is `conv_out`, after the last norm and activation, so that it is linear."""

    shift: Tensor
    scale: Tensor

    def __init__(self, vae: Any):
        super().__init__()
        config = vae.config
        self.encoder, self.decoder = vae.encoder, vae.decoder
        self.before = vae.post_quant_conv if vae.post_quant_conv is not None else nn.Identity()
        self.after = vae.quant_conv if vae.quant_conv is not None else nn.Identity()
        self.latent_channels = int(config.latent_channels)
        self.factor = 2 ** (len(config.block_out_channels) - 1)
        self.overflows = bool(config.force_upcast)  # in float16, says the checkpoint
        mean, sd = config.get("latents_mean"), config.get("latents_std")
        shift = torch.tensor(mean if mean is not None else [config.get("shift_factor") or 0.0])
        scale = config.scaling_factor / torch.tensor(sd if sd is not None else [1.0])
        self.register_buffer("shift", shift.view(1, -1, 1, 1), persistent=False)
        self.register_buffer("scale", scale.view(1, -1, 1, 1), persistent=False)

    def encode(self, x: Tensor) -> Tensor:
        """The mean of the latents' distribution."""
        mean, _ = self.after(self.encoder(2 * x - 1)).chunk(2, 1)
        return (mean - self.shift.to(mean)) * self.scale.to(mean)

    def body(self, latent: Tensor, frugal: bool) -> Tensor:
        parts = self.decoder
        h = parts.mid_block(parts.conv_in(self.before(latent / self.scale.to(latent) + self.shift.to(latent))))
        again = frugal and torch.is_grad_enabled()
        for block in parts.up_blocks:
            h = recompute(block, h, use_reentrant=False) if again else block(h)
        return parts.conv_act(parts.conv_norm_out(h))

    @property
    def tail(self) -> nn.Conv2d:
        return self.decoder.conv_out

    contrast = 0.5

    def picture(self, said: Tensor) -> Tensor:
        return self.contrast * said + 0.5


class Taesd(nn.Module):
    """diffusers' AutoencoderTiny: no norm, no attention; the soft clamp is its own."""

    def __init__(self, vae: Any):
        super().__init__()
        self.encoder, self.layers = vae.encoder.layers, vae.decoder.layers
        self.latent_channels = int(vae.config.latent_channels)
        self.factor = 2 ** (len(vae.config.decoder_block_out_channels) - 1)
        self.scale = float(vae.config.scaling_factor)
        self.overflows = False

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x) * self.scale

    def body(self, latent: Tensor, frugal: bool) -> Tensor:
        soft = torch.tanh(latent / self.scale / 3) * 3
        if frugal and torch.is_grad_enabled():
            return recompute(self.layers[:-1], soft, use_reentrant=False)  # type: ignore[return-value]
        return self.layers[:-1](soft)

    @property
    def tail(self) -> nn.Conv2d:
        return self.layers[-1]  # type: ignore[no-any-return]

    contrast = 1.0

    def picture(self, said: Tensor) -> Tensor:
        return said


def decoder_of(vae: Any) -> "Kl | Taesd":
    """The cut decoder of an auto-encoder that diffusers has loaded.

    Raises:
        RequestError: of another kind.
    """
    kinds = {"AutoencoderKL": Kl, "AutoencoderTiny": Taesd}
    name = type(vae).__name__
    if name not in kinds:
        raise RequestError(f"the decoder is a {name}; known are {' and '.join(kinds)}. Name another with --decoder.")
    return kinds[name](vae)
