"""The whole training: photos to a folder that `--prior` takes, with its model card. Resumes where it was stopped."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from oneseed.errors import RequestError
from oneseed.metrics.lpips import Lpips
from oneseed.train.autoencoder import AutoencoderPlan, to_unit_variance_, train_autoencoder
from oneseed.train.begin import begin_with
from oneseed.train.card import model_card
from oneseed.train.denoiser import DenoiserPlan, train_denoiser
from oneseed.train.noise_predictor import SCHEDULE, NoisePlan, latents_of, train_noise_predictor
from oneseed.train.photos import load_photos
from oneseed.train.run import Trained
from oneseed.train.validate import Validation

LOOK_EVERY = 500  # steps
WEIGHTS = "model.safetensors"
HELD_OUT = 8  # photos at most, where none are given to validate with


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All three networks' plans."""

    autoencoder: AutoencoderPlan = field(default_factory=AutoencoderPlan)
    noise_predictor: NoisePlan = field(default_factory=NoisePlan)
    denoiser: DenoiserPlan = field(default_factory=DenoiserPlan)


@dataclass(frozen=True)
class Progress:
    """One step of one of the networks."""

    network: str
    step: int
    steps: int
    loss: float
    figures: Mapping[str, float] = field(default_factory=dict)
    """On the photos kept for validation, now and then."""


def train_tiny(
    source: Path,
    output: Path,
    plan: Plan,
    perceptual: Path | None,
    validation: Path | None,
    device: torch.device,
    licences: str,
    begin: str | None = None,
) -> Iterator[Progress]:
    """Train auto-encoder, noise predictor and denoiser; each is written to `output` as soon as it is done.

    Args:
        source: folder or tar of photos, or a video.
        output: folder for `autoencoder/`, `unet/`, `scheduler/`, `denoiser/` and `README.md`; checkpoints lie in its
            `checkpoints/` meanwhile, pictures in its `progress/`.
        perceptual: LPIPS weights for AlexNet; without them the auto-encoder learns from absolute errors alone.
        validation: folder of photos never trained on; without, one photo in twenty is kept back, eight at most.
        licences: one line for the card about the photos' origin.
        begin: a prior to go on from, `tiny` or a folder; the networks then have its shapes, whatever the plan says.

    Raises:
        RequestError: no photos, one that is too small, or no weights where they were said to be.
    """
    lpips = Lpips(perceptual) if perceptual else None
    known = begin_with(begin) if begin else None
    if known is not None:
        plan = Plan(
            autoencoder=known.autoencoder_like(plan.autoencoder),
            noise_predictor=known.noise_predictor_like(plan.noise_predictor),
            denoiser=known.denoiser_like(plan.denoiser),
        )
    photos = load_photos(source)
    _require_size(photos, plan)
    if validation:
        kept = load_photos(validation, short_side=10**6)
    else:
        every = max(2, min(20, len(photos)), -(-len(photos) // HELD_OUT))
        kept, photos = photos[::every], [photo for number, photo in enumerate(photos) if number % every]
    looks = Validation(kept, output / "progress", lpips, device)
    work = output / "checkpoints"
    figures: dict[str, float] = {}

    for done in train_denoiser(photos, plan.denoiser, work, device, known and known.denoiser / WEIGHTS):
        yield _progress("denoiser", done, lambda model: looks.denoiser(model, HELD_OUT))
    figures |= _named("denoiser", looks.denoiser(done.average))
    _write(output / "denoiser", done.average, {"widths": plan.denoiser.widths, "blocks": plan.denoiser.blocks})

    for done in train_autoencoder(photos, plan.autoencoder, work, lpips, device, known and known.autoencoder / WEIGHTS):
        yield _progress("auto-encoder", done, lambda model: looks.autoencoder(model, HELD_OUT))
    autoencoder: Any = done.average.eval()
    figures |= _named("auto-encoder", looks.autoencoder(autoencoder))
    latents = latents_of(photos, autoencoder.encoder, device)
    sd = torch.cat([latent.flatten(1) for latent in latents], 1).std(1)
    latents = [latent / sd.view(-1, 1, 1) for latent in latents]
    to_unit_variance_(autoencoder, sd.to(device))
    shape = ("latent_channels", "widths", "blocks", "feature_channels")
    _write(output / "autoencoder", autoencoder, {name: getattr(plan.autoencoder, name) for name in shape})

    weights = known and known.unet / f"diffusion_pytorch_{WEIGHTS}"
    for done in train_noise_predictor(latents, plan.noise_predictor, work, device, weights):
        yield _progress("noise predictor", done)
    predictor: Any = done.average
    predictor.save_config(output / "unet")
    _write_weights(output / f"unet/diffusion_pytorch_{WEIGHTS}", predictor)
    (output / "scheduler").mkdir(exist_ok=True)
    (output / "scheduler/scheduler_config.json").write_text(json.dumps(SCHEDULE, indent=2) + "\n")
    (output / "README.md").write_text(model_card(source.name, len(photos), licences, asdict(plan), figures))


def _require_size(photos: list[Tensor], plan: Plan) -> None:
    side = min(min(photo.shape[1:]) for photo in photos)
    needed = max(8 * plan.noise_predictor.crop, plan.autoencoder.crop, plan.denoiser.crop)
    if side < needed:
        raise RequestError(f"the smallest photo has a side of {side} pixels; training needs {needed}. Leave it out.")
    if len(photos) < 2:
        raise RequestError("there is one photo; needed are two or more. Add some.")


def _progress(network: str, done: Trained, look: Callable[[Any], dict[str, float]] = lambda _: {}) -> Progress:
    due = done.step % LOOK_EVERY == 0 or done.step == done.steps
    return Progress(network, done.step, done.steps, done.loss, look(done.average) if due else {})


def _named(network: str, figures: Mapping[str, float]) -> dict[str, float]:
    return {f"{network}, {name}": value for name, value in figures.items()}


def _write(folder: Path, network: nn.Module, config: Mapping[str, Any]) -> None:
    """config.json and model.safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    _write_weights(folder / WEIGHTS, network)


def _write_weights(file: Path, network: nn.Module) -> None:
    """In half precision. Not by safetensors' `save_file`, whose files only their owner may read."""
    from safetensors.torch import save

    weights = {name: value.half().contiguous().cpu() for name, value in network.state_dict().items()}
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(save(weights))
    part.replace(file)
