"""From file to file: read, degrade or score or draw, write."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from oneseed import spec
from oneseed.clip.clip import Written
from oneseed.clip.encoding import Encoding
from oneseed.clip.output import check_output, check_place, in_place_of, require_other
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.device import choose_device
from oneseed.errors import RequestError
from oneseed.load import load_prior
from oneseed.noise import add_noise, require_noise
from oneseed.sample import draw, save_picture, sheet
from oneseed.score import Score, score
from oneseed.sidecar import write_sidecar


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
    require_other(source, target)
    exact = target.suffix.lower() in ("", ".mkv")
    depth = bits or (16 if exact else None)
    encoding = Encoding(lossless=exact and bool(target.suffix))
    check_output(target, overwrite, encoding, depth)
    degrade = spec.parse_all(specs)
    clip = read(source, frames, size)
    y = add_noise(degrade(clip.frames), noise, torch.Generator().manual_seed(seed))
    written = write(target, clip.with_frames(y), bits=depth, encoding=encoding, overwrite=overwrite)
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
