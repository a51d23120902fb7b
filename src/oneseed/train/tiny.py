"""The whole training: photos to a folder that `--prior` takes, with its model card. Resumes where it was stopped."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oneseed.errors import RequestError
from oneseed.metrics.lpips import Lpips
from oneseed.metrics.psnr import psnr
from oneseed.train.autoencoder import AutoencoderPlan, reconstruct, train_autoencoder
from oneseed.train.card import model_card
from oneseed.train.noise_predictor import SCHEDULE, NoisePlan, latents_of, train_noise_predictor
from oneseed.train.photos import load_photos
from oneseed.train.run import Trained


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Both networks' plans."""

    autoencoder: AutoencoderPlan = field(default_factory=AutoencoderPlan)
    noise_predictor: NoisePlan = field(default_factory=NoisePlan)


@dataclass(frozen=True)
class Progress:
    """One step of one of the two networks."""

    network: str
    step: int
    steps: int
    loss: float


def train_tiny(
    source: Path,
    output: Path,
    plan: Plan,
    perceptual: Path | None,
    validation: Path | None,
    device: torch.device,
    licences: str,
) -> Iterator[Progress]:
    """Train the auto-encoder, then the noise predictor on its latents; write `output` when both are done.

    Args:
        source: folder or tar of photos.
        output: folder for `vae/`, `unet/`, `scheduler/`, `README.md`; checkpoints lie in its `checkpoints/` meanwhile.
        perceptual: LPIPS weights for AlexNet; without them the auto-encoder learns from absolute errors alone.
        validation: folder of photos never trained on; the card then states the auto-encoder's PSNR on them.
        licences: one line for the card about the photos' origin.

    Raises:
        RequestError: no photos, one that is too small, or no weights where they were said to be.
    """
    lpips = Lpips(perceptual) if perceptual else None
    photos = load_photos(source)
    side, needed = min(min(photo.shape[1:]) for photo in photos), 8 * plan.noise_predictor.crop
    if side < needed:
        raise RequestError(
            f"the smallest photo has a side of {side} pixels; the noise predictor needs {needed}. Leave it out."
        )
    work = output / "checkpoints"
    for done in train_autoencoder(photos, plan.autoencoder, work, lpips, device):
        yield _progress("auto-encoder", done)
    autoencoder: Any = done.average.eval()

    latents = latents_of(photos, autoencoder, device)
    scale = 1 / torch.cat([latent.flatten() for latent in latents]).std().item()
    for done in train_noise_predictor(latents, scale, plan.noise_predictor, work, device):
        yield _progress("noise predictor", done)

    figures: dict[str, float] = {}
    if validation:
        figures["auto-encoder, mean PSNR on the validation photos (dB)"] = round(_mean_psnr(autoencoder, validation), 2)
    autoencoder.register_to_config(scaling_factor=scale)
    autoencoder.half().save_pretrained(output / "vae", safe_serialization=True)
    _forget(output / "vae/config.json", "block_out_channels")  # diffusers writes it and then warns of it
    noise_predictor: Any = done.average
    noise_predictor.half().save_pretrained(output / "unet", safe_serialization=True)
    (output / "scheduler").mkdir(exist_ok=True)
    (output / "scheduler/scheduler_config.json").write_text(json.dumps(SCHEDULE, indent=2) + "\n")
    (output / "README.md").write_text(model_card(source.name, len(photos), licences, asdict(plan), figures))


def _forget(config: Path, name: str) -> None:
    content = json.loads(config.read_text())
    content.pop(name, None)
    config.write_text(json.dumps(content, indent=2) + "\n")


def _progress(network: str, done: Trained) -> Progress:
    return Progress(network, done.step, done.steps, done.loss)


@torch.no_grad()
def _mean_psnr(autoencoder, folder: Path) -> float:
    values: list[Tensor] = []
    for photo in load_photos(folder, short_side=10**6):
        _, height, width = (side // 8 * 8 for side in photo.shape)
        x = photo[None, :, :height, :width].to(autoencoder.device).float() / 255
        values.append(psnr(reconstruct(autoencoder, x).clamp(0, 1), x))
    return torch.cat(values).mean().item()
