"""A checkpoint in one file, under the names that the first programs gave (CompVis): the reverse of what diffusers reads."""

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
    "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
UNET = {  # of two levels with one layer each
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2", "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2", "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op", "down_blocks.1.resnets.0": "input_blocks.3.0",
    "down_blocks.1.attentions.0": "input_blocks.3.1", "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0", "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.resnets.1": "output_blocks.1.0", "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv", "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
}  # fmt: skip
VAE = {
    "mid_block.resnets.0": "mid.block_1", "mid_block.resnets.1": "mid.block_2", "mid_block.attentions.0": "mid.attn_1",
    "conv_norm_out": "norm_out", "group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out",
    "conv_shortcut": "nin_shortcut", "resnets": "block", "downsamplers.0": "downsample", "upsamplers.0": "upsample",
}  # fmt: skip


def _unet(name: str) -> str:
    for ours, theirs in sorted(UNET.items(), key=lambda pair: -len(pair[0])):
        if name.startswith(ours + "."):
            rest = name[len(ours) + 1 :]
            if "resnets" in ours:
                part, _, kind = rest.partition(".")
                rest = f"{RESNET[part]}.{kind}"
            return f"model.diffusion_model.{theirs}.{rest}"
    raise KeyError(name)


def _vae(name: str, value: Tensor, levels: int) -> tuple[str, Tensor]:
    found = name
    for level in range(levels):
        found = found.replace(f"down_blocks.{level}.", f"down.{level}.")
        found = found.replace(f"up_blocks.{level}.", f"up.{levels - 1 - level}.")
    for ours, theirs in VAE.items():
        found = found.replace(ours + ".", theirs + ".")
    attention = ".attn_1." in found and ".norm." not in found and found.endswith("weight")
    return f"first_stage_model.{found}", value[:, :, None, None] if attention else value


def save_as_one_file(pipeline: Any, file: Path) -> Path:
    """U-Net, auto-encoder and text encoder of a small Stable Diffusion 1 pipeline."""
    whole = {_unet(name): value for name, value in pipeline.unet.state_dict().items()}
    levels = len(pipeline.vae.config.block_out_channels)
    whole |= dict(_vae(name, value, levels) for name, value in pipeline.vae.state_dict().items())
    text = pipeline.text_encoder.state_dict()
    prefix = "" if next(iter(text)).startswith("text_model.") else "text_model."
    whole |= {f"cond_stage_model.transformer.{prefix}{name}": value for name, value in text.items()}
    save_file({name: value.contiguous() for name, value in whole.items()}, file)
    return file
