"""Reads the masks and kernels that users paint or measure: grey images, alone or a folder of them."""

import re
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from oneseed.errors import RequestError

_ENDINGS = (".png", ".tif", ".tiff", ".bmp", ".webp", ".jpg", ".jpeg")


def read_grey(path: Path) -> Float[Tensor, "H W"]:
    """The brightness of an image file, float64: in [0, 1] for whole numbers, as stored for floats. Alpha is ignored.

    Raises:
        RequestError: there is no such file, or it is not an image that can be read to its end.
    """
    if not path.is_file():
        raise RequestError(f"{path} is not there; an image file is needed. Check the path.")
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            grey = image.mode in ("L", "F", "I") or image.mode.startswith("I;16")
            values = np.array(image if grey else image.convert("RGB").convert("L"))
    # Pillow lets the errors of its many decoders through as they are.
    except Exception as error:
        raise RequestError(f"{path} cannot be read ({error}); an image file is needed. Save it as PNG.") from error
    white = 1 if values.dtype.kind == "f" else 255 if values.dtype == np.uint8 else 65535
    return torch.from_numpy(values.astype(np.float64) / white)


def images_in(folder: Path) -> list[Path]:
    """The image files of a folder in natural order: 2 before 10.

    Raises:
        RequestError: there are none.
    """
    files = [file for file in folder.iterdir() if file.suffix.lower() in _ENDINGS and not file.name.startswith(".")]
    if not files:
        raise RequestError(f"{folder} holds no images; one per frame is needed. Check the path, or save them as PNG.")
    return sorted(files, key=_natural)


def _natural(file: Path) -> list[tuple[int, str]]:
    pieces = re.findall(r"\d+|\D+", file.name)
    return [(int(piece), "") if piece.isascii() and piece.isdigit() else (-1, piece) for piece in pieces]
