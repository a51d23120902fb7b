"""The model card that lies beside every prior that was trained here."""

from collections.abc import Mapping
from typing import Any


def model_card(source: str, photos: int, licences: str, plan: Mapping[str, Any], figures: Mapping[str, float]) -> str:
    """Markdown: what the prior is, what it has seen, how it was made, what was measured, what it cannot do."""
    recipe = "\n".join(
        f"| {network.replace('_', ' ')} | {name} | {value} |"
        for network, fields in plan.items()
        for name, value in fields.items()
    )
    measured = "\n".join(f"| {name} | {value} |" for name, value in figures.items())
    return f"""# A latent diffusion model of photographs, for oneseed

An auto-encoder (`autoencoder/`, 8 x 8 pixels to one latent), an unconditional noise predictor for its latents (`unet/` and
`scheduler/`, in diffusers' layout), and a denoiser of pictures (`denoiser/`). Trained by `oneseed train`; use it with `oneseed
restore --prior FOLDER`, see it with `oneseed sample --prior FOLDER`.

## Trained on

{photos} photos from `{source}`, scaled to a short side of at most 288 pixels. {licences}

## How

Adam, half cosine, moving average of the weights. The auto-encoder begins at the principal components of 8 x 8 patches and
learns the mean absolute error and LPIPS; the noise predictor learns the mean squared error of v; the denoiser the mean absolute
error. Weights are stored in half precision.

| network | setting | value |
| --- | --- | --- |
{recipe}

## Measured

| figure | value |
| --- | --- |
{measured}

## Limits

Small and trained briefly: it knows edges, textures and colours of photographs, not objects, faces or text, and it is no
generator of pictures worth looking at. It inherits whatever its photos over- and underrepresent.
"""
