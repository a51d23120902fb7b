"""A folder of images as a row of pictures, and a clip as a folder of PNG frames."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from oneseed.clip.clip import Clip
from oneseed.clip.picture import Picture
from oneseed.errors import RequestError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


class Images:
    """The images of a folder in natural order, or one image, shown at a steady rate.

    Raises:
        RequestError: no images.
    """

    primaries = transfer = matrix = 1
    full, light = False, None

    def __init__(self, path: Path, rate: Fraction):
        self.rate, self.tick = rate, 1 / rate
        self.files = sorted(filter(is_frame, path.iterdir()), key=_natural) if path.is_dir() else [path]
        if not self.files:
            raise RequestError(f"{path} holds no images; needed {' '.join(ENDINGS)}. Choose another folder.")
        self.expected = len(self.files)
        self.bits = header(self.files[0])[2]

    def count(self) -> int:
        """Images in the folder."""
        return len(self.files)

    def pictures(self, first: int = 0, last: int | None = None) -> Iterator[Picture]:
        """Every image, or those from number `first` to `last` - 1.

        Raises:
            RequestError: an image has another size than the first.
        """
        width, height, _ = header(self.files[0])
        for number, file in list(enumerate(self.files))[first:last]:
            found = header(file)
            if found[:2] != (width, height):
                raise RequestError(
                    f"{file.name} is {found[0]}x{found[1]}, {self.files[0].name} is {width}x{height}; "
                    "needed one size in a folder. Move the others out."
                )
            time = number / self.rate
            alpha = partial(load_alpha, file) if has_alpha(file) else None
            yield Picture(str(file), time, time + 1 / self.rate, Fraction(1), partial(load, file), alpha)


def is_frame(file: Path) -> bool:
    """An image that is not hidden."""
    return file.suffix.lower() in ENDINGS and not file.name.startswith(".")


def load(file: Path) -> Float[Tensor, "3 H W"]:
    """An image as RGB in [0, 1], upright; grey becomes RGB, alpha is left out.

    Raises:
        RequestError: damaged, cut short, or neither 8 nor 16 bits.
    """
    bits = header(file)[2]
    with _opened(file) as image:
        image.load()  # checks what a decoder might fill in
        turn = image.getexif().get(_ORIENTATION, 1)
        codes = np.asarray(image.convert("RGB")) if bits == 8 else _sixteen_bits(file, _COLOURS)[..., ::-1]
    levels = _upright(codes, turn).astype(np.float32) / np.iinfo(codes.dtype).max
    return torch.from_numpy(levels).permute(2, 0, 1)


def has_alpha(file: Path) -> bool:
    """Some of the image may be seen through, by its header."""
    with _opened(file) as image:
        return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def load_alpha(file: Path) -> Float[Tensor, "1 H W"]:
    """The alpha of an image in [0, 1], upright.

    Raises:
        RequestError: as for `load`.
    """
    bits = header(file)[2]
    with _opened(file) as image:
        image.load()
        turn = image.getexif().get(_ORIENTATION, 1)
        codes = np.asarray(image.convert("RGBA")) if bits == 8 else _sixteen_bits(file, cv2.IMREAD_UNCHANGED)
    if codes.ndim != 3 or codes.shape[2] != 4:  # one colour of a 16-bit palette-less PNG that may be seen through
        codes = np.full((*codes.shape[:2], 4), np.iinfo(codes.dtype).max, codes.dtype)
    levels = _upright(codes[..., 3], turn).astype(np.float32) / np.iinfo(codes.dtype).max
    return torch.from_numpy(levels)[None]


def header(file: Path) -> tuple[int, int, int]:
    """Width and height in pixels once upright, and bits per colour, 8 or 16, without decoding the image.

    Raises:
        RequestError: not an image, or not of 8 or 16 bits.
    """
    with _opened(file) as image:
        bits = _depth(file, image)
        if bits not in (8, 16):
            raise RequestError(f"{file} has {bits} bits per colour; needed 8 or 16. Convert it to 16-bit PNG first.")
        width, height = image.size
        return (height, width, bits) if image.getexif().get(_ORIENTATION, 1) in _TRANSPOSED else (width, height, bits)


def save(folder: Path, clip: Clip, bits: int) -> None:
    """One PNG per frame, 00000.png onwards, `bits` 8 or 16 per colour, with the clip's alpha, into an empty folder."""
    mattes = repeat(None) if clip.alpha is None else clip.alpha
    for number, (frame, alpha) in enumerate(zip(clip.frames, mattes, strict=False)):
        (folder / f"{number:05}.png").write_bytes(png(frame, bits, alpha))


def png(image: Float[Tensor, "3 H W"], bits: int, alpha: Float[Tensor, "1 H W"] | None = None) -> bytes:
    """RGB in [0, 1], with alpha if it is given, as a PNG of `bits` 8 or 16 per colour."""
    codes = codes_of(image, bits)[..., ::-1]
    if alpha is not None:
        codes = np.dstack([codes, codes_of(alpha.expand(3, -1, -1), bits)[..., :1]])
    return cv2.imencode(".png", codes)[1].tobytes()


def codes_of(image: Float[Tensor, "3 H W"], bits: int) -> np.ndarray:
    """RGB in [0, 1], clamped and rounded, as codes `H W 3` of `bits` 8 or 16."""
    levels = (image.detach().cpu().double().clamp(0, 1) * (2**bits - 1)).round()
    return levels.permute(1, 2, 0).numpy().astype(np.uint8 if bits == 8 else np.uint16)


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(file) as image:
            yield image
    except (OSError, SyntaxError, EOFError, ValueError) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(
            f"{file} cannot be read ({error}); needed every image intact. Mend it, or leave it out with --frames."
        ) from error


def _depth(file: Path, image: Image.Image) -> int:
    """Bits per colour as the file has them; Pillow's mode is 8 bits for 16-bit colour."""
    if image.format == "PNG":
        with file.open("rb") as opened:
            return max(8, opened.read(25)[24])  # IHDR; 1, 2 and 4 bits are widened exactly
    if image.format == "TIFF":
        tags: Any = getattr(image, "tag_v2", {})
        return max(8, *tags.get(_BITS_PER_SAMPLE, (8,)))
    return 8


def _sixteen_bits(file: Path, flags: int) -> np.ndarray:
    """In the order of OpenCV: blue, green, red, alpha."""
    codes = cv2.imdecode(np.fromfile(file, np.uint8), flags)
    if codes is None or codes.dtype != np.uint16:
        raise RequestError(f"{file} cannot be read as 16-bit RGB; needed PNG or TIFF. Convert it to 16-bit PNG first.")
    return codes


_COLOURS = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
_BITS_PER_SAMPLE, _ORIENTATION = 258, 274  # TIFF and EXIF tags
_TRANSPOSED = (5, 6, 7, 8)
_FLIPPED = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}  # after transposing


def _upright(codes: np.ndarray, orientation: int) -> np.ndarray:
    turned = codes.swapaxes(0, 1) if orientation in _TRANSPOSED else codes
    return np.flip(turned, _FLIPPED.get(orientation, ()))


def _natural(file: Path) -> tuple[list[str | int], str]:
    """img2 before img10."""
    parts = re.split(r"(\d+)", file.name.casefold())
    return [int(part) if part.isdecimal() else part for part in parts], file.name
