"""A small latent diffusion model of photographs that ships with the package (8 x 8 pixels a latent)."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.checkpoint import checkpoint as recompute

from oneseed import ddim, torchvision_operators
from oneseed.ddim import Schedule, Spacing
from oneseed.errors import RequestError
from oneseed.last_layer import LastLayer
from oneseed.prior._autoencoder import SIDE, Decoder, Encoder
from oneseed.prior._constants import constant
from oneseed.prior._frozen import frozen
from oneseed.prior._half import in_precision
from oneseed.prior._schedule import CONFIG, read_schedule
from oneseed.shapes import Frames

__all__ = ["Tiny"]

SHIPPED = Path(__file__).parent / "tiny_weights"
PARTS = ("autoencoder/config.json", "autoencoder/model.safetensors", "unet/config.json", CONFIG)


class Tiny(nn.Module):
    """An auto-encoder of our own, and diffusers' UNet2DModel with the schedule it was trained on.

    Args:
        folder: what `oneseed train` wrote: `autoencoder/`, `unet/` and `scheduler/`.
        dtype: the precision of R and D2; what goes in and comes out is float32, and so is D1.

    Raises:
        RequestError: the folder lacks a part, or one is broken.
    """

    def __init__(self, folder: Path = SHIPPED, dtype: torch.dtype = torch.float32):
        super().__init__()
        folder = Path(folder)
        for part in PARTS:
            if not (folder / part).is_file():
                raise RequestError(
                    f"{folder} holds no {part}; needed is a folder that `oneseed train` wrote. Name one."
                )
        self.name, self.frugal = "tiny" if folder == SHIPPED else folder.name, False
        self.encoder, self.decoder = _autoencoder(folder / "autoencoder")
        self.decoder.put_beside_()
        self.decoder.body_to(dtype)
        self._folder = folder
        if folder != SHIPPED:
            _ = self.schedule  # it may be none that is known
        halvings = _halvings(folder / "unet")
        self.grain = SIDE * 2**halvings  # frames' sides are padded to multiples of it
        self.latent_channels = self.encoder.linear.out_channels
        self.requires_grad_(False).eval()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def dtype(self) -> torch.dtype:
        """Of R and D2."""
        return next(self.decoder.parameters()).dtype

    @cached_property
    def schedule(self) -> Schedule:
        """What R goes by."""
        with _disable_current_modes():
            return read_schedule(self._folder)

    @property
    def unet(self) -> Any:
        """R's network, read when it is asked for first: after a start R is left out, and diffusers alone takes seconds."""
        if "unet" not in self._modules:
            with _disable_current_modes():  # a size alone may be what is asked for, and real numbers are read
                self._modules["unet"] = self._read_unet()
        return self._modules["unet"]

    def _read_unet(self) -> nn.Module:
        torchvision_operators.declare()
        from diffusers.models.unets.unet_2d import UNet2DModel

        unet: Any = UNet2DModel.from_pretrained(
            self._folder / "unet", use_safetensors=True, low_cpu_mem_usage=False, torch_dtype=self.dtype
        )
        place = next(self.decoder.parameters()).device
        return unet.requires_grad_(False).eval().to(place, memory_format=torch.channels_last)

    def steps(self, started: bool) -> int:
        """From noise R is worth 2 dB; from a start it costs time and gains nothing (`make bench-chain`)."""
        return 0 if started else 4

    def seed_shape(self, height: int, width: int) -> tuple[int, int, int]:
        h, w = (-(-side // self.grain) * self.grain // SIDE for side in (height, width))
        return self.latent_channels, h, w

    def reverse(self, z: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.reverse(z, self._predict, self.schedule, steps, spacing, checkpoint=self.frugal)

    def invert(self, latent: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.invert(latent, self._predict, self.schedule, steps, spacing)

    def _predict(self, z: Tensor, t: int) -> Tensor:
        return in_precision(lambda z: self.unet(z, constant((t,), torch.long, z.device)).sample, z, self.dtype)

    def decode_body(self, latent: Tensor) -> Tensor:
        return in_precision(self._body, latent, self.dtype)

    def _body(self, latent: Tensor) -> Tensor:
        if self.frugal and torch.is_grad_enabled():
            return recompute(self.decoder.body, latent, use_reentrant=False)  # type: ignore[return-value]
        return self.decoder.body(latent)

    def decode_tail(self, feature: Tensor) -> Tensor:
        return frozen(self.last_layer(), feature)

    def last_layer(self) -> LastLayer:
        return LastLayer.of(self.decoder.tail)

    def encode(self, x: Frames) -> Tensor:
        _, h, w = self.seed_shape(*x.shape[-2:])
        x = F.pad(x, (0, SIDE * w - x.shape[-1], 0, SIDE * h - x.shape[-2]), mode="replicate")
        return self.encoder(x)


def _autoencoder(folder: Path) -> tuple[Encoder, Decoder]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        config = json.loads((folder / "config.json").read_text())
        shared = config["latent_channels"], config["widths"], config["blocks"]
        parts = nn.ModuleDict({"encoder": Encoder(*shared), "decoder": Decoder(*shared, config["feature_channels"])})
        parts.load_state_dict(load_file(folder / "model.safetensors"))
    except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise _broken(folder, error) from error
    return parts["encoder"], parts["decoder"]  # type: ignore[return-value]


def _halvings(folder: Path) -> int:
    """How often the network halves what it looks at."""
    try:
        return len(json.loads((folder / "config.json").read_text())["block_out_channels"]) - 1
    except (ValueError, KeyError, TypeError) as error:
        raise _broken(folder, error) from error


def _broken(folder: Path, error: Exception) -> RequestError:
    line = str(error).splitlines()[0]
    return RequestError(f"{folder} is broken ({line}); needed is what `oneseed train` wrote. Name another.")
