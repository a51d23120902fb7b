"""Going on from a prior that is there: its weights, and plans of the same shapes."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from oneseed.denoise import tiny as denoise_tiny
from oneseed.errors import RequestError
from oneseed.prior import tiny as prior_tiny
from oneseed.train.autoencoder import AutoencoderPlan
from oneseed.train.denoiser import DenoiserPlan
from oneseed.train.noise_predictor import NoisePlan


@dataclass(frozen=True)
class Begin:
    """The folders of a prior's networks, as `oneseed train` lays them out."""

    autoencoder: Path
    unet: Path
    denoiser: Path

    def autoencoder_like(self, plan: AutoencoderPlan) -> AutoencoderPlan:
        shape = _read(self.autoencoder / "config.json", "latent_channels", "widths", "blocks", "feature_channels")
        latent, widths, blocks, feature = shape
        return replace(
            plan, latent_channels=latent, widths=tuple(widths), blocks=tuple(blocks), feature_channels=feature
        )

    def noise_predictor_like(self, plan: NoisePlan) -> NoisePlan:
        (widths,) = _read(self.unet / "config.json", "block_out_channels")
        return replace(plan, widths=tuple(widths))

    def denoiser_like(self, plan: DenoiserPlan) -> DenoiserPlan:
        widths, blocks = _read(self.denoiser / "config.json", "widths", "blocks")
        return replace(plan, widths=tuple(widths), blocks=blocks)


def begin_with(which: str) -> Begin:
    """The networks of `tiny`, or those of a folder that `oneseed train` wrote."""
    if which == "tiny":
        shipped = prior_tiny.SHIPPED
        return Begin(shipped / "autoencoder", shipped / "unet", denoise_tiny.SHIPPED)
    folder = Path(which)
    return Begin(folder / "autoencoder", folder / "unet", folder / "denoiser")


def _read(file: Path, *names: str):
    try:
        content = json.loads(file.read_text())
        return [content[name] for name in names]
    except (OSError, ValueError, KeyError) as error:
        raise RequestError(
            f"{file} cannot be begun with ({error}); needed is a prior that `oneseed train` wrote. Name one, "
            "or leave out --from."
        ) from error
