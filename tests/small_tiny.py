"""A `tiny` prior so small that it is trained, from four random photos, in a second. It knows nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from oneseed.train.autoencoder import AutoencoderPlan
from oneseed.train.denoiser import DenoiserPlan
from oneseed.train.noise_predictor import NoisePlan
from oneseed.train.tiny import Plan, Progress, train_tiny


def write_photos(folder: Path, count: int = 4, size: tuple[int, int] = (72, 64)) -> Path:
    """Random photos of this width and height."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(draw.integers(0, 256, (9, 9, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


def plan(steps: int = 2, seed: int = 0) -> Plan:
    return Plan(
        autoencoder=AutoencoderPlan(
            latent_channels=4,
            widths=(8, 8, 8),
            blocks=(1, 1, 1),
            feature_channels=6,
            crop=32,
            batch=2,
            steps=steps,
            seed=seed,
        ),
        noise_predictor=NoisePlan(widths=(32, 32), crop=8, batch=2, steps=steps, seed=seed),
        denoiser=DenoiserPlan(widths=(8, 12), blocks=1, crop=32, batch=2, steps=steps, seed=seed),
    )


def training(
    photos: Path,
    output: Path,
    steps: int = 2,
    seed: int = 0,
    perceptual: Path | None = None,
    validation: Path | None = None,
    begin: str | None = None,
    plan_as: dict[str, Any] | None = None,
) -> Iterator[Progress]:
    whole = plan(steps, seed)
    whole = replace(whole, autoencoder=replace(whole.autoencoder, **plan_as or {}))
    return train_tiny(photos, output, whole, perceptual, validation, torch.device("cpu"), "Noise, so free.", begin)


def small_tiny(folder: Path) -> Path:
    """A folder that `Tiny` takes."""
    for _ in training(write_photos(folder / "photos"), folder / "small"):
        pass
    return folder / "small"
