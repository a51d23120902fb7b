"""What a result is worth beside its reference: every metric, in one call."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from oneseed.errors import RequestError
from oneseed.flow.base import FlowEstimator
from oneseed.flow.dis import Dis
from oneseed.metrics.lpips import Lpips
from oneseed.metrics.psnr import psnr
from oneseed.metrics.ssim import ssim
from oneseed.metrics.warping_error import WarpingError
from oneseed.shapes import Frames

_FILES = {"alex": "lpips_alexnet.safetensors", "vgg": "lpips_vgg16.safetensors"}
_LPIPS_SIDE = 32  # AlexNet pools a shorter side away


@dataclass(frozen=True)
class Score:
    """Means over frames, or over pairs of neighbours for warping errors; None where not measured."""

    frames: int
    psnr: float | None
    """dB; infinite if any frame equals its reference."""
    ssim: float | None
    lpips_alex: float | None
    lpips_vgg: float | None
    we_self: float | None
    we_gt: float | None
    we_reference: float | None
    per_frame: list[dict[str, float | None]]
    """The same names, frame by frame; a warping error stands with the first frame of its pair."""
    notes: list[str] = field(default_factory=list)
    """Why something was not measured, and what to do; one line each."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@torch.no_grad()
def score(
    result: Frames,
    reference: Float[Tensor, "Nr Cr Hr Wr"],
    lpips: Literal["alex", "vgg", "both", "none"] = "alex",
    weights: Path | None = None,
    flow: FlowEstimator | None = None,
) -> Score:
    """Compare two videos, RGB, clamped to [0, 1] first.

    Args:
        lpips: backbones to measure with.
        weights: folder with `lpips_alexnet.safetensors` and `lpips_vgg16.safetensors`; also looked for in the folder
            that the environment's ONESEED_WEIGHTS names, and in ~/.cache/oneseed.
        flow: what estimates the reference's motion for the warping errors; DIS, medium, if None.

    Raises:
        RequestError: the two differ in shape, or a file of weights holds something else.
    """
    if result.shape != reference.shape:
        raise RequestError(
            f"the result is {_size(result)}, the reference {_size(reference)}; a score needs equal sizes. "
            "Add --frames A:B, or --size S (a centre square) or WxH."
        )
    if not len(result):
        raise RequestError("there are no frames; a score needs at least one. Check --frames A:B.")
    result, reference = result.clamp(0, 1), reference.clamp(0, 1)
    columns: dict[str, list[float | None]] = {}
    notes: list[str] = []

    columns["psnr"] = _numbers(psnr(result, reference))
    columns["ssim"] = _numbers(ssim(result, reference))
    for backbone in ("alex", "vgg"):
        file = find_weights(backbone, weights)
        wanted = lpips in (backbone, "both")
        values: list[float | None] = [None] * len(result)
        if wanted and file is None:
            notes.append(missing_weights(backbone, weights))
        elif wanted and min(result.shape[-2:]) < _LPIPS_SIDE:
            notes.append(f"frames are {_size(result)}; lpips needs {_LPIPS_SIDE} pixels a side. Score larger frames.")
        elif wanted and file is not None:
            network = Lpips(file, backbone).to(result.device)
            both = zip(result.float().split(1), reference.float().split(1), strict=True)
            values = [network(a, b).item() for a, b in both]
        columns[f"lpips_{backbone}"] = values
    errors = WarpingError((flow or Dis("medium")).estimate).measure(result, reference)
    columns |= {name: [*_numbers(values), None] for name, values in errors._asdict().items()}

    per_frame = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    means = {name: _mean(values) for name, values in columns.items()}
    return Score(frames=len(result), per_frame=per_frame, notes=notes, **means)


def _numbers(values: Tensor) -> list[float | None]:
    """NaN, which stands for "nothing to compare", becomes None."""
    return [None if value != value else value for value in values.tolist()]


def _mean(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured else None


def _size(x: Frames) -> str:
    frames, _, height, width = x.shape
    return f"{frames} frames of {width}x{height}"


def _folders(weights: Path | None) -> list[Path]:
    named = os.environ.get("ONESEED_WEIGHTS")
    return [Path(folder) for folder in (weights, named, Path.home() / ".cache" / "oneseed") if folder]


def find_weights(backbone: Literal["alex", "vgg"], weights: Path | None = None) -> Path | None:
    """The LPIPS weights of a backbone, in the folder given or a usual place; None if they are in none."""
    files = (folder / _FILES[backbone] for folder in _folders(weights))
    return next((file for file in files if file.is_file()), None)


def missing_weights(backbone: Literal["alex", "vgg"], weights: Path | None = None) -> str:
    """What to tell who lacks them: where they were looked for, and what to do."""
    places = ", ".join(str(folder) for folder in _folders(weights))
    return (
        f"lpips_{backbone} was not measured: {_FILES[backbone]} is not in {places}. "
        f"Put it there or name its folder in ONESEED_WEIGHTS; go without by --lpips none."
    )
