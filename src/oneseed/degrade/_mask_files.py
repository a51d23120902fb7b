"""Masks that stay in their files until frames are asked for: one image for the clip, or one per frame."""

from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from oneseed.degrade._image import images_in, read_grey
from oneseed.degrade._require import require
from oneseed.errors import RequestError

Holes = Bool[Tensor, "M 1 H W"]


class MaskFiles:
    """Looked through once, one by one.

    Raises:
        RequestError: an image cannot be read, they differ in size, or they mark all pixels or none.
    """

    def __init__(self, path: Path):
        self.files = images_in(path) if path.is_dir() else [path]
        height, width, some, every = 0, 0, False, True
        for number, file in enumerate(self.files):
            found = _holes(file)
            h, w = found.shape
            height, width = (h, w) if number == 0 else (height, width)
            if (h, w) != (height, width):
                sizes = f"{file.name} is {w}x{h}, {self.files[0].name} is {width}x{height}"
                raise RequestError(f"mask:path={path}: {sizes}; all masks need one size. Resize them.")
            some, every = some or bool(found.any()), every and bool(found.all())
        self.shape = (len(self.files), 1, height, width)
        require(some, f"mask:path={path} marks no pixel; white must mark the missing ones. Paint them.")
        require(not every, f"mask:path={path} marks every pixel; some must be known. Paint these black.")

    def __getitem__(self, frames: slice) -> Holes:
        """True where missing.

        Raises:
            RequestError: an image is not what it was.
        """
        found = torch.stack([_holes(file) for file in self.files[frames]])[:, None]
        if found.shape[1:] != self.shape[1:]:
            raise RequestError(f"{self.files[frames][0].parent} has changed since it was first read. Start anew.")
        return found


def _holes(file: Path) -> Bool[Tensor, "H W"]:
    return read_grey(file) >= 0.5
