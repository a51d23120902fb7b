"""From file to file: read, degrade or restore or score, write. One page for each."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from oneseed import registry, spec
from oneseed.clip.clip import Written
from oneseed.clip.output import check_output, check_place, in_place_of
from oneseed.clip.read import read, require_source
from oneseed.clip.write import write
from oneseed.device import choose_device, peak_memory_mb
from oneseed.errors import DivergedError, RequestError
from oneseed.load import load_denoiser, load_prior
from oneseed.memory import require_memory
from oneseed.noise import add_noise, require_noise, rounding_noise
from oneseed.recipe import Recipe
from oneseed.restore import Epoch, optimise
from oneseed.sample import draw, save_picture, sheet
from oneseed.score import Score, score
from oneseed.sidecar import Description, read_sidecar, sidecar_files, write_sidecar


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restoration did; `as_dict` is what `--json` writes."""

    written: Written
    frames: int
    size: tuple[int, int]
    epochs: int
    seconds: float
    peak_memory_mb: float
    last: Epoch
    recipe: Recipe
    prior: str
    denoiser: str
    device: str
    degradation: list[str]
    noise: float
    interrupted: bool
    diverged: str | None
    """Why the run failed, if it did; the last good frames are what was written."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "frames": self.frames,
            "size": list(self.size),
            "epochs": self.epochs,
            "seconds": round(self.seconds, 3),
            "seconds_per_epoch": round(self.seconds / self.epochs, 4) if self.epochs else None,
            "peak_memory_mb": round(self.peak_memory_mb, 1),
            "data_loss": self.last.data_loss,
            "residual_rms": self.last.residual_rms,
            "visible_share": self.last.visible_share,
            "recipe": asdict(self.recipe),
            "prior": self.prior,
            "denoiser": self.denoiser,
            "device": self.device,
            "degradation": self.degradation,
            "noise": self.noise,
            "interrupted": self.interrupted,
        }


def restore_file(
    source: Path,
    target: Path,
    recipe: Recipe,
    *,
    specs: Sequence[str] = (),
    noise: float | None = None,
    prior: str = "tiny",
    decoder: str | None = None,
    prompt: str = "",
    guidance: float = 1.0,
    denoiser: str | None = None,
    flow: str = "dis",
    device: str = "auto",
    frames: str | None = None,
    size: str | None = None,
    minutes: float | None = None,
    lossless: bool = False,
    overwrite: bool = False,
    begin: Callable[[], None] = lambda: None,
    watch: Callable[[Epoch], None] = lambda epoch: None,
    stop: Callable[[], bool] = lambda: False,
) -> Restored:
    """Restore `source` into `target`.

    Args:
        specs: what happened to the clip; none: the sidecar beside `source` says so.
        noise: standard deviation on the [0, 1] scale; None: the sidecar's, or 0.
        decoder: as for `load_prior`, and so are `prompt` and `guidance`.
        denoiser: as for `load_denoiser`.
        minutes: the search ends after so many.
        begin: called once all is found to be in order.
        watch: shown every epoch. It cannot change anything.
        stop: asked after every epoch; when it says so, what was reached is finished and written.

    Raises:
        RequestError: the request is wrong. Nothing was written.
        DivergedError: the run left the numbers before there was anything to write.
    """
    check_output(target, overwrite, lossless)
    described = _described(source, specs, noise)
    degrade, noise = described.degradation, described.noise
    clip = read(source, frames, size, described.rate if source.is_dir() else None)
    n, c, h, w = clip.frames.shape
    shape = degrade.clean_shape((n, c, h, w))
    degrade.measured_shape(shape)
    check_output(target, overwrite, lossless, clip=clip)
    place = choose_device(device)
    networks = load_prior(prior, place, decoder=decoder, prompt=prompt, guidance=guidance) if recipe.epochs else None
    recipe = recipe.settled(networks, started=degrade.linear and recipe.start == "least-squares")
    require_memory(networks, shape, recipe, place)
    cleaner = load_denoiser(denoiser, prior, place) if recipe.denoises else None
    estimator = registry.find("flow", flow)()

    believed = math.hypot(noise, rounding_noise(clip.bits))  # rounding is noise too
    begin()
    began = time.monotonic()
    late = math.inf if minutes is None else began + 60 * minutes
    last, interrupted, diverged = None, False, None

    def ends() -> bool:
        nonlocal interrupted
        interrupted = stop()
        return interrupted or time.monotonic() > late

    try:
        run = optimise(clip.frames.to(place), degrade.to(place), networks, estimator, recipe, believed, ends, cleaner)
        for epoch in run:
            last = epoch
            watch(epoch)
        assert last is not None
        result = last.x
    except DivergedError as error:
        if error.frames is None or last is None:
            raise
        result, diverged = error.frames, str(error)
    seconds = time.monotonic() - began
    stale = sidecar_files(target) if target.exists() else []
    written = write(target, clip.with_frames(result.cpu()), lossless=lossless, overwrite=overwrite)
    for file in stale:  # they described what was here before
        file.unlink(missing_ok=True)
    return Restored(
        written=written, frames=n, size=(shape[3], shape[2]), epochs=last.number, seconds=seconds,
        peak_memory_mb=peak_memory_mb(place), last=last, recipe=recipe, prior=networks.name if networks else "none",
        denoiser=cleaner.name if cleaner else "none", device=str(place),
        degradation=spec.format(degrade), noise=noise, interrupted=interrupted, diverged=diverged,
    )  # fmt: skip


def degrade_file(
    source: Path,
    target: Path,
    specs: Sequence[str],
    *,
    noise: float = 0.0,
    seed: int = 0,
    frames: str | None = None,
    size: str | None = None,
    bits: Literal[8, 16] | None = None,
    overwrite: bool = False,
) -> Written:
    """Degrade `source` into `target` and describe how beside it. Frames and .mkv are exact, 16 bits unless told otherwise.

    Raises:
        RequestError: the request is wrong. Nothing was written.
    """
    require_noise(noise)
    exact = target.suffix.lower() in ("", ".mkv")
    depth = bits or (16 if exact else None)
    check_output(target, overwrite, exact and bool(target.suffix), depth)
    degrade = spec.parse_all(specs)
    clip = read(source, frames, size)
    y = add_noise(degrade(clip.frames), noise, torch.Generator().manual_seed(seed))
    written = write(
        target, clip.with_frames(y), bits=depth, lossless=exact and bool(target.suffix), overwrite=overwrite
    )
    write_sidecar(target, degrade, noise, seed, clip.rate)
    return written


def score_files(
    result: Path,
    reference: Path,
    *,
    frames: str | None = None,
    size: str | None = None,
    lpips: Literal["alex", "vgg", "both", "none"] = "alex",
    weights: Path | None = None,
) -> Score:
    """Score one file against another. `frames` and `size` are applied to the reference; the result is taken as it is.

    Raises:
        RequestError: one cannot be read, or they differ in size or length.
    """
    return score(read(result).frames, read(reference, frames, size).frames, lpips, weights)


def sample_file(
    target: Path,
    prior: str,
    *,
    count: int = 16,
    size: int = 256,
    steps: int = 50,
    prompt: str = "",
    guidance: float = 1.0,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
) -> None:
    """Draw `count` pictures of random seeds from a prior, on one sheet.

    Raises:
        RequestError: the request is wrong. Nothing was written.
    """
    if target.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise RequestError(f"{target} is no picture by its ending; needed is .png or .jpg. Rename it.")
    check_place(target, overwrite, folder=False)
    place = choose_device(device)
    networks = load_prior(prior, place, prompt=prompt, guidance=guidance)
    pictures = draw(networks, count, size, size, steps, seed, place)
    with in_place_of(target) as part:
        save_picture(sheet(pictures), part)


def _described(source: Path, specs: Sequence[str], noise: float | None) -> Description:
    """What the user said, or else what the sidecar says."""
    if noise is not None:
        require_noise(noise)
    if specs:
        return Description(spec.parse_all(specs), noise or 0.0, None)
    require_source(source)
    described = read_sidecar(source)
    if described is None:
        raise RequestError(
            f"nothing says how {source} was degraded; needed is -d SPEC or a degradation.json beside it. "
            "Add -d downsample:factor=4, say; `oneseed choices degrade` lists what there is."
        )
    return described if noise is None else described._replace(noise=noise)
