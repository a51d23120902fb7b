"""The chain alone, for asking whether a prior earns its place: recipes without an end of ours, and priors to compare with."""

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from oneseed import torchvision_operators
from oneseed.prior._decoders import Taesd
from oneseed.prior._schedule import read_schedule
from oneseed.prior.base import Prior
from oneseed.prior.tiny import Tiny
from oneseed.recipe import Recipe
from oneseed.shapes import Frames

_ALONE = {"hold_out": 0.0, "patience": 0, "finish_rounds": 0, "denoise_rounds": 0, "exact_steps": 0}
RECIPES = {
    "chain": Recipe(steps=4).but(_ALONE),
    "chain-from-noise": Recipe(
        steps=4, start="noise", follow_motion=False, lr_seed=0.05, lr_residual=0.01, epochs=60
    ).but(_ALONE),
}
"""All see every measurement, and their last epoch is the result."""

FIRST_COMMIT = "b2c9a22"


def prior(name: str) -> Prior:
    """`tiny` as it ships; `random`, its networks with weights never trained; `first`, the first version, from the history.

    Raises:
        ValueError: none of these.
    """
    if name not in PRIORS:
        raise ValueError(f"no prior {name!r}; there are {', '.join(PRIORS)}")
    return PRIORS[name]()


def _random() -> Prior:
    networks = Tiny()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for part in networks.modules():
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.GroupNorm):
                part.reset_parameters()
    return networks


class First(Tiny):
    """The first `tiny`: AutoencoderTiny and UNet2DModel of diffusers, 16 latent channels, predicts the noise.

    Args:
        folder: its `vae/`, `unet/` and `scheduler/`.
    """

    def __init__(self, folder: Path):
        nn.Module.__init__(self)  # the parts of today's are others
        torchvision_operators.declare()
        from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
        from diffusers.models.unets.unet_2d import UNet2DModel

        self.name, self.frugal, self.grain = "first", False, 32
        self.decoder: Any = Taesd(AutoencoderTiny.from_pretrained(folder / "vae", low_cpu_mem_usage=False))
        self.encoder, self.latent_channels = self.decoder.encoder, self.decoder.latent_channels
        self.unet: Any = UNet2DModel.from_pretrained(folder / "unet", low_cpu_mem_usage=False)
        self.schedule = read_schedule(folder)
        self.float().requires_grad_(False).eval()

    def decode_body(self, latent: Tensor) -> Tensor:
        return self.decoder.body(latent, self.frugal)

    def encode(self, x: Frames) -> Tensor:
        return super().encode(x) * self.decoder.scale


def _first() -> Prior:
    weights = "src/oneseed/prior/tiny_weights"
    found = subprocess.run(["git", "archive", FIRST_COMMIT, weights], capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(found)) as archive:
            archive.extractall(folder, filter="data")
        return First(Path(folder) / weights)


PRIORS = {"tiny": Tiny, "random": _random, "first": _first}
