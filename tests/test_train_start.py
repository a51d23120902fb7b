"""Where the auto-encoder begins, and that its latents are brought to unit variance at no cost."""

from pathlib import Path

import pytest
import torch
from tests.small_tiny import plan
from torch import Tensor, nn

from oneseed import torchvision_operators
from oneseed.train import noise_predictor
from oneseed.train.autoencoder import Autoencoder, to_unit_variance_
from oneseed.train.noise_predictor import SCHEDULE
from oneseed.train.principal import start_linear

torchvision_operators.declare()
from diffusers.models.unets.unet_2d import UNet2DOutput  # noqa: E402  after what makes its import work


def pictures(kinds: int) -> Tensor:
    """Pictures of 8 x 8 patches that are mixtures of a few."""
    generator = torch.Generator().manual_seed(1)
    patches = torch.rand(kinds, 192, generator=generator) - 0.5
    mixtures = torch.einsum("nkhw,kc->nchw", torch.randn(4, kinds, 6, 6, generator=generator), patches)
    return 0.5 + nn.functional.pixel_shuffle(mixtures, 8)


def linearly(model: Autoencoder, x: Tensor) -> Tensor:
    """The linear parts alone."""
    latent = model.encoder.linear(nn.functional.pixel_unshuffle(x - 0.5, 8))
    return 0.5 + nn.functional.pixel_shuffle(model.decoder.linear(latent), 8)


@torch.no_grad()
def test_it_begins_as_the_best_linear_code_of_patches():
    model = Autoencoder(plan().autoencoder)  # four numbers a latent
    x = pictures(4)
    start_linear(model.encoder, model.decoder, x)
    torch.testing.assert_close(linearly(model, x), x, rtol=1e-3, atol=1e-4)
    latent = model.encoder(x)  # the network beside it is silent
    torch.testing.assert_close(latent.square().mean((0, 2, 3)), torch.ones(4), rtol=1e-3, atol=1e-3)
    richer = pictures(6)
    start_linear(model.encoder, model.decoder, richer)
    kept = (linearly(model, richer) - 0.5).square().sum() / (richer - 0.5).square().sum()
    assert 0.6 < kept < 0.999


@torch.no_grad()
def test_to_unit_variance_and_back_decodes_the_same():
    model = Autoencoder(plan().autoencoder)
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    x = pictures(4)
    before, latent = model(x), model.encoder(x)
    sd = latent.transpose(0, 1).flatten(1).std(1)
    to_unit_variance_(model, sd)
    torch.testing.assert_close(model(x), before, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(model.encoder(x), latent / sd.view(1, -1, 1, 1), rtol=1e-4, atol=1e-5)
    assert sd.max() != pytest.approx(1, abs=0.01)


class _Knows(nn.Module):
    """What a noise predictor should say of latents that are all one half."""

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))
        betas = torch.linspace(
            SCHEDULE["beta_start"] ** 0.5, SCHEDULE["beta_end"] ** 0.5, 1000, dtype=torch.float64
        ).square()
        self.abar = (1 - betas).cumprod(0).float()

    def forward(self, z: Tensor, t: Tensor) -> UNet2DOutput:
        signal, strength = (part.sqrt().view(-1, 1, 1, 1) for part in (self.abar[t], 1 - self.abar[t]))
        noise = (z - 0.5 * signal) / strength
        return UNet2DOutput(signal * noise - 0.5 * strength + self.nothing)


def test_the_noise_predictor_learns_v(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """As the schedule that is written beside it says: v_prediction."""
    assert SCHEDULE["prediction_type"] == "v_prediction"
    monkeypatch.setattr(noise_predictor, "build", lambda plan, channels: _Knows())
    latents = [torch.full((4, 12, 12), 0.5)]
    first = next(noise_predictor.train_noise_predictor(latents, plan().noise_predictor, tmp_path, torch.device("cpu")))
    assert first.loss < 1e-4
