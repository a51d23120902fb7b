"""The size that was asked for: the centre square at S, or W x H."""

import re
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from oneseed.errors import RequestError

LARGEST = 16384  # pixels per side, the limit of H.264 and VP9


@dataclass(frozen=True)
class Size:
    """Pixels; `square` cuts the centre square of the short side first."""

    width: int
    height: int
    square: bool


def parse_size(text: str | None) -> Size | None:
    """The size that `S` or `WxH` asks for.

    Raises:
        RequestError: neither, zero, or more than 16384 pixels on a side.
    """
    if text is None:
        return None
    sides = sides_of(text)
    if sides is None:
        raise RequestError(f"--size {text}; needed S or WxH, 1 to {LARGEST} pixels. Try --size 512 or --size 854x480.")
    return Size(sides[0], sides[-1], square=len(sides) == 1)


def sides_of(text: str) -> list[int] | None:
    """The one side of `S` or width and height of `WxH`, 1 to 16384 pixels each; None of anything else."""
    match = re.fullmatch(r"\s*(\d+)(?:[x×](\d+))?\s*", text.lower())
    sides = [int(side) for side in match.groups() if side] if match else []
    return sides if sides and all(1 <= side <= LARGEST for side in sides) else None


def fit(image: Float[Tensor, "c H W"], size: Size | None) -> Float[Tensor, "c h w"]:
    """`image` in [0, 1] at `size`, by an antialiased bicubic filter; untouched if it has that size already."""
    if size is None:
        return image
    if size.square:
        side = min(image.shape[1:])
        top, left = (image.shape[1] - side) // 2, (image.shape[2] - side) // 2
        image = image[:, top : top + side, left : left + side]
    if image.shape[1:] == (size.height, size.width):
        return image
    resized = interpolate(image[None], (size.height, size.width), mode="bicubic", antialias=True, align_corners=False)
    return resized[0].clamp(0, 1)
