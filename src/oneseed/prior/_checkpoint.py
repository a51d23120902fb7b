"""A Stable Diffusion checkpoint taken apart: the parts that the method needs, and the text as numbers."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oneseed.ddim import Schedule
from oneseed.errors import RequestError
from oneseed.prior._schedule import read_schedule, schedule_of

LAYOUT = "needed is a text-to-image checkpoint of Stable Diffusion 1, 2 or XL in diffusers' layout, or its single .safetensors"


@dataclass(frozen=True)
class Text:
    """The prompt, and the empty one beside it for guidance."""

    prompt: Tensor
    """`1 L D`."""
    empty: Tensor
    pooled: Tensor | None
    """`1 D`, of the second text encoder (XL)."""
    empty_pooled: Tensor | None


@dataclass(frozen=True)
class Checkpoint:
    """Networks and numbers, on the CPU. The text encoders are gone."""

    unet: Any
    vae: Any
    schedule: Schedule
    text: Text


def load_checkpoint(path: Path, prompt: str, dtype: torch.dtype) -> Checkpoint:
    """Read a folder, or a single file, safetensors only.

    Args:
        dtype: of the noise predictor and the auto-encoder; the text is encoded in float32.

    Raises:
        RequestError: not such a checkpoint, or one that is broken.
    """
    if path.is_file():
        pipeline, schedule = _from_file(path, dtype)
    else:
        pipeline, schedule = _from_folder(path, dtype)
    _require_text_to_image(path, pipeline)
    return Checkpoint(pipeline.unet, pipeline.vae, schedule, _encode(pipeline, prompt))


def load_decoder(path: Path, dtype: torch.dtype) -> Any:
    """An auto-encoder of its own: a folder with its config.json, or a checkpoint's folder with a `vae/`.

    Raises:
        RequestError: not such a folder, or one that is broken.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    folder = path / "vae" if (path / "vae/config.json").is_file() else path
    name = _read(folder / "config.json").get("_class_name")
    kinds: dict[Any, Any] = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}
    if name not in kinds:
        raise RequestError(f"{folder} holds a {name}; needed is {' or '.join(kinds)}. Name another --decoder.")
    return _whole(folder, lambda: kinds[name].from_pretrained(folder, **_weights(folder), dtype=dtype))


def _from_folder(path: Path, dtype: torch.dtype) -> tuple[Any, Schedule]:
    index = _read(path / "model_index.json")
    kind = _pipeline(path, "text_encoder_2" in index)
    for part in ("unet", "vae", "scheduler", "text_encoder", "tokenizer"):
        if not (path / part).is_dir():
            raise RequestError(f"{path} holds no {part}/; {LAYOUT}. Name another --prior.")
    types = {"default": dtype, "text_encoder": torch.float32, "text_encoder_2": torch.float32}
    absent = {name: None for name in ("safety_checker", "feature_extractor", "image_encoder") if name in index}
    schedule = read_schedule(path)
    pipeline = _whole(
        path,
        lambda: kind.from_pretrained(path, **_weights(path / "unet"), dtype=types, **absent),
    )
    return pipeline, schedule


def _from_file(path: Path, dtype: torch.dtype) -> tuple[Any, Schedule]:
    """What such a file lacks (words, shapes, schedule) comes from a folder of its name beside it, or else from the hub."""
    if path.suffix != ".safetensors":
        raise RequestError(f"{path.name} may run code when it is read; needed is .safetensors. Convert it.")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            names = set(file.keys())
    except SafetensorError as error:
        raise RequestError(f"{path} is broken ({error}); needed is a whole file. Fetch it again.") from error
    if not any(name.startswith("model.diffusion_model.") for name in names):
        raise RequestError(f"{path} holds no noise predictor; {LAYOUT}. Name another --prior.")
    kind = _pipeline(path, any(name.startswith("conditioner.embedders.1.") for name in names))
    beside = path.with_suffix("")
    config = str(beside) if (beside / "model_index.json").is_file() else None
    pipeline = _whole(path, lambda: kind.from_single_file(str(path), config=config, dtype=dtype))
    for part in ("text_encoder", "text_encoder_2"):
        if getattr(pipeline, part, None) is not None:
            getattr(pipeline, part).float()
    scheduler = pipeline.scheduler
    return pipeline, schedule_of({**scheduler.config, "_class_name": type(scheduler).__name__}, path)


def _pipeline(path: Path, two_texts: bool) -> Any:
    try:
        from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
        from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
    except (ImportError, RuntimeError) as error:
        raise RequestError(f"{path} needs the package transformers. Run: pip install 'oneseed[diffusers]'.") from error
    return StableDiffusionXLPipeline if two_texts else StableDiffusionPipeline


def _require_text_to_image(path: Path, pipeline: Any) -> None:
    unet, vae = pipeline.unet, pipeline.vae
    if type(unet).__name__ != "UNet2DConditionModel":
        raise RequestError(f"{path} predicts noise by a {type(unet).__name__}; {LAYOUT}. Name another --prior.")
    if unet.config.in_channels != vae.config.latent_channels:
        raise RequestError(
            f"{path} takes {unet.config.in_channels} channels where its latents have {vae.config.latent_channels} "
            f"(made for inpainting or editing); {LAYOUT}. Name another --prior."
        )
    if getattr(pipeline, "text_encoder", None) is None:
        raise RequestError(f"{path} refines pictures and has no first text encoder; {LAYOUT}. Name its base model.")


@torch.no_grad()
def _encode(pipeline: Any, prompt: str) -> Text:
    found = pipeline.encode_prompt(
        prompt=prompt, device=torch.device("cpu"), num_images_per_prompt=1, do_classifier_free_guidance=True
    )
    pooled = found[2:] if len(found) == 4 else (None, None)
    return Text(found[0], found[1], *pooled)


def _weights(folder: Path) -> dict[str, Any]:
    half = list(folder.glob("*.fp16.safetensors"))
    return {"use_safetensors": True, "variant": "fp16" if half else None}


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except OSError as error:
        raise RequestError(f"{file.parent} holds no {file.name}; {LAYOUT}. Name another.") from error
    except ValueError as error:
        raise RequestError(f"{file} is broken ({error}); needed is a whole file. Fetch it again.") from error
    return content


@contextmanager
def _quietly() -> Iterator[None]:
    """No bars and no advice to the checkpoint's maker while it is read."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    loggings = (diffusers_logging, transformers_logging)
    before = [(logging.get_verbosity(), logging.is_progress_bar_enabled()) for logging in loggings]
    for logging in loggings:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logging, (verbosity, bars) in zip(loggings, before, strict=True):
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()


def _whole(path: Path, load: Callable[[], Any]) -> Any:
    """load(), with what it may raise for an incomplete or foreign checkpoint in one line."""
    from safetensors import SafetensorError

    try:
        with _quietly():
            return load()
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        line = " ".join(str(error).split())[:300] or type(error).__name__
        raise RequestError(f"{path} cannot be read ({line}); {LAYOUT}. Name another, or fetch it again.") from error
