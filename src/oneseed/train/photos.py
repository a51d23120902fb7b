"""Pictures to learn from: a folder or tar of photos, or a video, kept in memory as bytes, cut into random crops."""

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
MOST_FRAMES = 1000


def load_photos(source: Path, short_side: int = 288) -> list[Tensor]:
    """Every photo of a folder (searched to the bottom) or tar, in the order of their names, as uint8 `3 H W`.

    Of a video, frames at equal distances, 500 to 1,000 where it has so many.

    Args:
        short_side: larger photos are scaled down until their short side has this many pixels.

    Raises:
        RequestError: no photos there, or one that cannot be read.
    """
    if Path(source).is_file() and not tarfile.is_tarfile(source):
        return _frames(Path(source), short_side)
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
        raise RequestError(f"{source} is not there; needed is a folder or tar of photos, or a video. Give one.")


def _decode(name: str, stream: io.BytesIO, short_side: int) -> Tensor:
    try:
        with Image.open(stream) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
        raise RequestError(
            f"{name} cannot be read ({error}); needed is a whole photo. Mend it or leave it out."
        ) from error
    return _pixels(picture, short_side)


def _frames(source: Path, short_side: int) -> list[Tensor]:
    """Every 2^k-th frame, k as small as leaves 1,000 at most. None but those that are kept are held."""
    import av
    from av.error import FFmpegError

    kept: list[Tensor] = []
    every = 1
    try:
        with av.open(str(source)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number % every == 0:
                    kept.append(_pixels(frame.to_image(), short_side))
                if len(kept) > MOST_FRAMES:
                    kept, every = kept[::2], 2 * every
    except (FFmpegError, IndexError) as error:
        raise RequestError(
            f"{source} is neither a tar of photos nor a video that can be read ({error}). Give one that is."
        ) from error
    return kept


def _pixels(picture: Image.Image, short_side: int) -> Tensor:
    scale = short_side / min(picture.size)
    if scale < 1:
        width, height = (max(short_side, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


class Crops:
    """An endless supply of random square crops in [0, 1]: place, mirror, scale and exposure drawn anew each time.

    Step `n` of a seed is always the same batch, so that a resumed training sees what an uninterrupted one would.

    Args:
        size: side of a crop, pixels; it is cut at 1 to 2 times that and scaled down.
        exposure: crops are made darker or brighter by a factor of up to e to this power, and clipped.
    """

    def __init__(self, photos: list[Tensor], size: int, seed: int, exposure: float = 0.0):
        too_small = min(min(photo.shape[1:]) for photo in photos)
        if too_small < size:
            raise RequestError(f"the smallest photo has a side of {too_small} pixels; crops need {size}. Leave it out.")
        self.photos, self.size, self.seed, self.exposure = photos, size, seed, exposure

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
        crop = crop.flip(-1) if draw.random() < 0.5 else crop
        return (crop * float(np.exp(draw.uniform(-self.exposure, self.exposure)))).clamp(0, 1)
