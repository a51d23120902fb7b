"""YUV to RGB and back in floating point, because FFmpeg's own conversion to 16 bits is half a level of 8 bits too dark.

Code points are those of ISO/IEC 23091-2. Chroma is sited as the standards have it: on the left pixel of a pair in
video, in the middle of it in JPEG.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from oneseed.errors import RequestError

RGB, BT709, UNSPECIFIED, BT601_625, BT601_525 = 0, 1, 2, 5, 6

LUMA = {  # matrix coefficients: Kr, Kb
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines; JPEG
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
}

Plane = Float[Tensor, "H W"]
Coarse = Float[Tensor, "h w"]
Image = Float[Tensor, "3 H W"]


def guess_matrix(width: int, height: int) -> int:
    """What players take an untagged stream for: BT.709 when it is high definition, BT.601 below."""
    return BT709 if width >= 1280 or height > 576 else BT601_525


def to_rgb(planes: list[Tensor], bits: int, matrix: int, full: bool) -> Image:
    """Planes Y, U, V of code values, chroma of any coarser size, to RGB in [0, 1].

    Raises:
        RequestError: a matrix that is not a plain Y'CbCr one.
    """
    if matrix not in LUMA:
        raise RequestError(f"colour matrix number {matrix}; needed one of {sorted(LUMA)}. Convert to BT.709 first.")
    height, width = planes[0].shape
    black, white, neutral, swing = _codes(bits, full)
    y = (planes[0].float() - black) / (white - black)
    u, v = ((_grow(plane.float(), height, width, centred=full) - neutral) / swing for plane in planes[1:])
    red, blue = LUMA[matrix]
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    g = (y - red * r - blue * b) / (1 - red - blue)
    return torch.stack([r, g, b]).clamp(0, 1)


def grey_to_rgb(plane: Tensor, bits: int, full: bool) -> Image:
    """One plane of code values to RGB in [0, 1]."""
    black, white, _, _ = _codes(bits, full)
    return ((plane.float() - black) / (white - black)).clamp(0, 1).expand(3, -1, -1)


def to_yuv(image: Image, matrix: int, full: bool, bits: int = 8, across: int = 2, down: int = 2) -> list[Tensor]:
    """RGB in [0, 1] to planes Y, U, V of code values of `bits`; one of chroma for `across` times `down` pixels, 1 or 2 each.

    Chroma is rounded up for an odd side.
    """
    black, white, neutral, swing = _codes(bits, full)
    red, blue = LUMA[matrix]
    r, g, b = image
    y = red * r + (1 - red - blue) * g + blue * b
    colours = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    chroma = [_shrink(plane, across, down, centred=full) for plane in colours]
    scaled = [black + (white - black) * y, *(neutral + swing * plane for plane in chroma)]
    return [plane.round().clamp(0, 2**bits - 1).int() for plane in scaled]


def _codes(bits: int, full: bool) -> tuple[int, int, int, int]:
    """Code values of black, white and neutral chroma, and the swing of chroma."""
    if full:
        return 0, 2**bits - 1, 2 ** (bits - 1), 2**bits - 1
    unit = 2 ** (bits - 8)
    return 16 * unit, 235 * unit, 128 * unit, 224 * unit


def _grow(plane: Coarse, height: int, width: int, centred: bool) -> Plane:
    rows = _stretch(plane.T, height, centred=True).T
    return _stretch(rows, width, centred)


def _stretch(plane: Coarse, size: int, centred: bool) -> Float[Tensor, "h W"]:
    """Linear interpolation along the last axis to `size` samples."""
    coarse = plane.shape[-1]
    if coarse == size:
        return plane
    ratio = next(ratio for ratio in (2, 4) if -(-size // ratio) == coarse)
    start = (ratio - 1) / 2 if centred else 0.0
    place = ((torch.arange(size) - start) / ratio).clamp(0, coarse - 1)
    left = place.floor().long()
    right = (left + 1).clamp(max=coarse - 1)
    return torch.lerp(plane[:, left], plane[:, right], place - left)


def _shrink(plane: Plane, across: int, down: int, centred: bool) -> Coarse:
    """Means of `down` rows, and of `across` columns, where those are two: or of three weighted 1 2 1 around the left one."""
    height, width = plane.shape
    even = pad(plane[None], (0, width % across, 0, height % down), mode="replicate")[0]
    rows = (even[0::2] + even[1::2]) / 2 if down == 2 else even
    if across == 1:
        return rows
    if centred:
        return (rows[:, 0::2] + rows[:, 1::2]) / 2
    before = torch.cat([rows[:, :1], rows[:, 1:-1:2]], dim=1)
    return (before + 2 * rows[:, 0::2] + rows[:, 1::2]) / 4
