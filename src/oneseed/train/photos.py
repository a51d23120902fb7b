"""Pictures to learn from: a folder or tar of photos, kept in memory as bytes, cut into random crops."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from oneseed.errors import RequestError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}


def load_photos(source: Path, short_side: int = 288) -> list[Tensor]:
    """Every photo of a folder (searched to the bottom) or tar, in the order of their names, as uint8 `3 H W`.

    Args:
        short_side: larger photos are scaled down until their short side has this many pixels.

    Raises:
        RequestError: no photos there, or one that cannot be read.
    """
    photos = [_decode(name, stream, short_side) for name, stream in _streams(Path(source))]
    if not photos:
        raise RequestError(f"{source} holds no photos; needed is a folder or tar of {', '.join(sorted(SUFFIXES))}.")
    return photos


def _streams(source: Path) -> Iterator[tuple[str, io.BytesIO]]:
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                yield path.name, io.BytesIO(path.read_bytes())
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            for member in sorted(archive.getmembers(), key=lambda member: member.name):
                if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                    yield member.name, io.BytesIO(archive.extractfile(member).read())  # type: ignore[union-attr]
    else:
        raise RequestError(f"{source} is neither a folder nor a tar of photos. Give one that is.")


def _decode(name: str, stream: io.BytesIO, short_side: int) -> Tensor:
    try:
        with Image.open(stream) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
        raise RequestError(
            f"{name} cannot be read ({error}); needed is a whole photo. Mend it or leave it out."
        ) from error
    scale = short_side / min(picture.size)
    if scale < 1:
        width, height = (max(short_side, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


class Crops:
    """An endless supply of random square crops in [0, 1]: place, mirror and scale (1 to 1/2) drawn anew each time.

    Step `n` of a seed is always the same batch, so that a resumed training sees what an uninterrupted one would.
    """

    def __init__(self, photos: list[Tensor], size: int, seed: int):
        too_small = min(min(photo.shape[1:]) for photo in photos)
        if too_small < size:
            raise RequestError(f"the smallest photo has a side of {too_small} pixels; crops need {size}. Leave it out.")
        self.photos, self.size, self.seed = photos, size, seed

    def batch(self, step: int, count: int) -> Tensor:
        draw = np.random.default_rng([self.seed, step])
        return torch.stack([self._one(draw) for _ in range(count)])

    def _one(self, draw: np.random.Generator) -> Tensor:
        photo = self.photos[draw.integers(len(self.photos))]
        _, height, width = photo.shape
        side = int(min(height, width, round(self.size * draw.uniform(1, 2))))
        top, left = draw.integers(height - side + 1), draw.integers(width - side + 1)
        crop = photo[:, top : top + side, left : left + side].float() / 255
        if side != self.size:
            crop = F.interpolate(crop[None], self.size, mode="bilinear", antialias=True)[0]
        return crop.flip(-1) if draw.random() < 0.5 else crop
