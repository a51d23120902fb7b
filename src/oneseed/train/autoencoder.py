"""The auto-encoder of `tiny`: D and its inverse, 8 x 8 pixels to one latent."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from oneseed.metrics.lpips import Lpips
from oneseed.prior._autoencoder import Decoder, Encoder
from oneseed.train.photos import Crops
from oneseed.train.principal import start_linear
from oneseed.train.run import Trained, load_weights, train


@dataclass(frozen=True, kw_only=True)
class AutoencoderPlan:
    """How the auto-encoder is built and trained."""

    latent_channels: int = 24
    widths: tuple[int, int, int] = (160, 96, 48)
    """Channels at 1/8, 1/4 and 1/2 of the resolution."""
    blocks: tuple[int, int, int] = (2, 2, 1)
    """Residual blocks there; the encoder has those of the first two."""
    feature_channels: int = 32
    """At full resolution, at the input of the last layer: the residual's channels."""
    crop: int = 96
    """Side of a training crop, pixels."""
    batch: int = 16
    steps: int = 8000
    lr: float = 5e-4
    """Adam's step at its highest; falls to zero as a half cosine."""
    perceptual: float = 0.1
    """Weight of LPIPS beside the mean absolute error."""
    exposure: float = 0.3
    """Crops are made darker or brighter by a factor of up to e to this power."""
    seed: int = 0


class Autoencoder(nn.Module):
    """Encoder and decoder together; pictures in [0, 1]."""

    def __init__(self, plan: AutoencoderPlan):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            self.encoder = Encoder(plan.latent_channels, plan.widths, plan.blocks)
            self.decoder = Decoder(plan.latent_channels, plan.widths, plan.blocks, plan.feature_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def train_autoencoder(
    photos: list[Tensor],
    plan: AutoencoderPlan,
    folder: Path,
    lpips: Lpips | None,
    device: torch.device,
    begin: Path | None = None,
) -> Iterator[Trained]:
    """Yields after every step. Resumes from `folder` if a checkpoint lies there, or else begins with the weights given."""
    crops = Crops(photos, plan.crop, plan.seed, plan.exposure)
    model = Autoencoder(plan)
    if begin is None:
        start_linear(model.encoder, model.decoder, torch.cat([crops.batch(step, 16) for step in range(32)]))
    else:
        load_weights(model, begin)
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    perceptual = lpips.to(device) if lpips else None

    def loss(step: int) -> Tensor:
        x = crops.batch(step, plan.batch).to(device, memory_format=torch.channels_last)
        latent = model.encoder(x)
        y = model.decoder(latent)
        # Latents of unit variance: whatever the noise predictor has to tell apart is as large as the noise.
        total = (y - x).abs().mean() + 1e-3 * (latent.float().square().mean((0, 2, 3)) - 1).square().mean()
        if perceptual is not None:
            total = total + plan.perceptual * perceptual(y, x).mean()
        return total

    yield from train(model, loss, plan.steps, plan.lr, folder / "autoencoder.ckpt", device)


@torch.no_grad()
def to_unit_variance_(model: Autoencoder, sd: Tensor) -> None:
    """Divide each latent channel by its standard deviation, and let the decoder expect it so: what is decoded stays.

    Args:
        sd: one for each latent channel.
    """
    out, back = sd.view(-1, 1, 1, 1), sd.view(1, -1, 1, 1)
    for made in (model.encoder.linear, model.encoder.detail[-1]):
        made.weight /= out  # type: ignore[operator]
        made.bias /= sd  # type: ignore[operator]
    for taken in (model.decoder.linear, model.decoder.detail[0]):
        taken.weight *= back  # type: ignore[operator]
