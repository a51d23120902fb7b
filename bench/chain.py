"""The chain alone, for asking whether a prior earns its place: recipes without an end of ours, and priors to compare with."""

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneseed import ddim, torchvision_operators
from oneseed.ddim import Schedule, Spacing
from oneseed.prior._decoders import Taesd
from oneseed.prior._frozen import frozen
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


class First(nn.Module):
    """The first `tiny`: AutoencoderTiny and UNet2DModel of diffusers, 16 latent channels, predicts the noise.

    Args:
        folder: its `vae/`, `unet/` and `scheduler/`.
    """

    name = "first"
    frugal = False
    grain = 32

    def __init__(self, folder: Path):
        super().__init__()
        torchvision_operators.declare()
        from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
        from diffusers.models.unets.unet_2d import UNet2DModel

        self.decoder = Taesd(AutoencoderTiny.from_pretrained(folder / "vae", low_cpu_mem_usage=False))
        self.encoder = self.decoder.encoder
        self.unet = UNet2DModel.from_pretrained(folder / "unet", low_cpu_mem_usage=False)
        self.schedule: Schedule = read_schedule(folder)
        self.float().requires_grad_(False).eval()

    def steps(self, started: bool) -> int:
        return 4

    def seed_shape(self, height: int, width: int) -> tuple[int, int, int]:
        h, w = (-(-side // self.grain) * self.grain // self.decoder.factor for side in (height, width))
        return self.decoder.latent_channels, h, w

    def reverse(self, z: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.reverse(z, self._predict, self.schedule, steps, spacing)

    def invert(self, latent: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.invert(latent, self._predict, self.schedule, steps, spacing)

    def _predict(self, z: Tensor, t: int) -> Tensor:
        return self.unet(z, t).sample

    def decode_body(self, latent: Tensor) -> Tensor:
        return self.decoder.body(latent, self.frugal)

    def decode_tail(self, feature: Tensor) -> Tensor:
        return self.decoder.tail(feature)

    def decode_residual(self, r: Tensor) -> Tensor:
        return frozen(self.decoder.tail, r, bias=False)

    def encode(self, x: Frames) -> Tensor:
        _, h, w = self.seed_shape(*x.shape[-2:])
        factor = self.decoder.factor
        x = F.pad(x, (0, factor * w - x.shape[-1], 0, factor * h - x.shape[-2]), mode="replicate")
        return self.decoder.encode(x)


def _first() -> Prior:
    weights = "src/oneseed/prior/tiny_weights"
    found = subprocess.run(["git", "archive", FIRST_COMMIT, weights], capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(found)) as archive:
            archive.extractall(folder, filter="data")
        return First(Path(folder) / weights)


PRIORS = {"tiny": Tiny, "random": _random, "first": _first}
