"""Masks and kernels as a description keeps them: bit for bit, and as images to look at."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from oneseed.degrade._image import read_grey


def to_numbers(array: Tensor) -> dict[str, Any]:
    """What the JSON holds of an array. Of a mask (bool, M 1 H W) it is a fingerprint: the images hold its pixels."""
    array = array.detach().cpu()
    if _is_mask(array):
        return {"shape": list(array.shape), "sha256": _fingerprint(array)}
    return {"dtype": str(array.dtype).removeprefix("torch."), "values": array.tolist()}


def images(stem: Path, array: Tensor) -> dict[Path, bytes]:
    """Image files of a mask (white: missing; a folder of them if M > 1) or of a matrix (its highest number white)."""
    array = array.detach().cpu()
    if _is_mask(array):
        pictures = [np.where(frame, 255, 0) for frame in array[:, 0].numpy()]
    elif array.ndim == 2 and array.is_floating_point():
        pictures = [(array.double().clamp(min=0) / array.max().double() * 255).round().numpy()]
    else:
        return {}
    names = [stem.with_name(stem.name + ".png")] if len(pictures) == 1 else _numbered(stem, len(pictures))
    return {name: _png(picture.astype(np.uint8)) for name, picture in zip(names, pictures, strict=True)}


def from_numbers(numbers: dict[str, Any], stem: Path) -> Tensor:
    """The array again, from `to_numbers` of it and, for a mask, the images at `stem`.

    Raises:
        ValueError: the numbers are no such thing, or the images are not those that were written.
    """
    if "sha256" not in numbers:
        dtype = getattr(torch, numbers["dtype"], None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"{numbers['dtype']!r} is no type of number")
        return torch.tensor(numbers["values"], dtype=dtype)
    count = numbers["shape"][0]
    names = [stem.with_name(stem.name + ".png")] if count == 1 else _numbered(stem, count)
    array = torch.stack([read_grey(name) >= 0.5 for name in names])[:, None]
    if list(array.shape) != numbers["shape"] or _fingerprint(array) != numbers["sha256"]:
        raise ValueError(f"{stem.name} is not the mask that was written")
    return array


def _is_mask(array: Tensor) -> bool:
    return array.dtype == torch.bool and array.ndim == 4 and array.shape[1] == 1


def _numbered(stem: Path, count: int) -> list[Path]:
    return [stem / f"{number:05}.png" for number in range(count)]


def _fingerprint(array: Tensor) -> str:
    return hashlib.sha256(np.packbits(array.numpy()).tobytes()).hexdigest()


def _png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()
