"""Stable Diffusion checkpoints of diffusers' own classes, small and random, saved as real ones are. They know nothing."""

import json
from pathlib import Path
from typing import Any

import torch

from oneseed import torchvision_operators

KINDS = ("sd1", "sd2-v", "xl", "turbo", "lcm", "zero-snr")


def _unet(kind: str) -> Any:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    extra: dict[str, Any] = {}
    if kind == "xl":
        extra = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + 32,
            "transformer_layers_per_block": (1, 2),
            "use_linear_projection": True,
        }
    return UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=64 if kind == "xl" else 32,
        attention_head_dim=2,
        time_cond_proj_dim=12 if kind == "lcm" else None,
        **extra,
    )


def _scheduler(kind: str) -> Any:
    from diffusers import DDIMScheduler, EulerDiscreteScheduler, LCMScheduler, PNDMScheduler

    betas: dict[str, Any] = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "steps_offset": 1,
    }
    if kind == "sd1":
        return PNDMScheduler(**betas, skip_prk_steps=True, set_alpha_to_one=False)
    if kind == "turbo":
        return EulerDiscreteScheduler(**betas, timestep_spacing="trailing")
    if kind == "lcm":
        return LCMScheduler(**betas)
    return DDIMScheduler(
        **betas,
        clip_sample=False,
        prediction_type="epsilon" if kind == "xl" else "v_prediction",
        set_alpha_to_one=kind == "zero-snr",
        rescale_betas_zero_snr=kind == "zero-snr",
    )


def _text(folder: Path, projected: bool) -> tuple[Any, Any]:
    """A text encoder and a tokenizer that knows its letters."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    folder.mkdir(parents=True)
    letters = [chr(code) for code in range(97, 123)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=8)
    config = CLIPTextConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=37, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=8, projection_dim=32, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval(), tokenizer


def small_vae(seed: int = 0) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    torch.manual_seed(seed)
    return AutoencoderKL(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, latent_channels=4,
        scaling_factor=0.18215, force_upcast=False,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    ).eval()  # fmt: skip


def small_taesd(channels: int = 4) -> Any:
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    torch.manual_seed(1)
    return AutoencoderTiny(
        latent_channels=channels,
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    ).eval()


def small_pipeline(kind: str, folder: Path) -> Any:
    """A whole pipeline, not saved."""
    torchvision_operators.declare()
    from diffusers import LatentConsistencyModelPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder, tokenizer = _text(folder / "words", projected=False)
        parts: dict[str, Any] = {
            "unet": _unet(kind).eval(), "vae": small_vae(), "scheduler": _scheduler(kind), "text_encoder": encoder,
            "tokenizer": tokenizer,
        }  # fmt: skip
        if kind == "xl":
            second, tokenizer_2 = _text(folder / "words_2", projected=True)
            return StableDiffusionXLPipeline(
                **parts, text_encoder_2=second, tokenizer_2=tokenizer_2, add_watermarker=False
            )
    known: Any = LatentConsistencyModelPipeline if kind == "lcm" else StableDiffusionPipeline
    return known(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)


def small_checkpoint(kind: str, folder: Path) -> Path:
    """A saved one, as `from_pretrained` takes it."""
    small_pipeline(kind, folder).save_pretrained(folder / kind, safe_serialization=True)
    return folder / kind
