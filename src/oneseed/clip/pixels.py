"""One video frame of PyAV to an upright RGB image, and to its alpha."""

import re
from typing import Any

import numpy as np
import torch
from av import VideoFrame
from jaxtyping import Float
from torch import Tensor

from oneseed.clip import colour
from oneseed.clip.coded import FULL, LIMITED

Image = Float[Tensor, "3 H W"]
Matte = Float[Tensor, "1 H W"]

_DIRECT = re.compile(r"gray(9|10|12|14|16)?(le)?|(gbra?p|yuvj?a?4[1-4][014]p)(9|10|12|14|16)?(le)?")


def image_of(frame: VideoFrame, width: int, height: int) -> Image:
    """The top left `width` x `height` pixels, turned upright, as RGB in [0, 1]. Alpha is left out.

    Raises:
        RequestError: colours that are neither RGB nor plain Y'CbCr.
    """
    matrix = colour.guess_matrix(frame.width, frame.height) if frame.colorspace == 2 else frame.colorspace
    full = _is_full(frame)
    planar = _planar(frame)
    stored = planar.format.components[0].bits
    bits = stored if stored == 8 else frame.format.components[0].bits
    planes = [_read(plane, stored) >> (stored - bits) for plane in planar.planes[:3]]
    if planar.format.is_rgb:
        green, blue, red = planes
        image = torch.stack([red, green, blue]).float() / (2**bits - 1)
    elif len(planar.format.components) == 1:
        image = colour.grey_to_rgb(planes[0], bits, full or frame.color_range != LIMITED)
    else:
        image = colour.to_rgb(planes, bits, matrix, full)
    return _upright(image[:, :height, :width], _display_matrix(frame))


def has_alpha(frame: VideoFrame) -> bool:
    """Some of it may be seen through."""
    return frame.format.has_palette or any(part.is_alpha for part in frame.format.components)


def alpha_of(frame: VideoFrame, width: int, height: int) -> Matte:
    """The same pixels' alpha in [0, 1], turned upright like them."""
    planar = frame if _DIRECT.fullmatch(frame.format.name) else _relaid(frame, "gbrap16le" if _deep(frame) else "gbrap")
    bits = planar.format.components[-1].bits
    image = _read(planar.planes[-1], bits).float()[None] / (2**bits - 1)
    return _upright(image[:, :height, :width], _display_matrix(frame))


def colours_of(frame: VideoFrame) -> tuple[int, bool]:
    """Matrix and range to write again: those of the frame, if they are of Y'CbCr and it says so."""
    grey_or_rgb = frame.format.is_rgb or frame.format.has_palette or len(frame.format.components) < 3
    if grey_or_rgb or frame.colorspace not in colour.LUMA:
        return colour.BT709, not grey_or_rgb and _is_full(frame)
    return frame.colorspace, _is_full(frame)


def _planar(frame: VideoFrame) -> VideoFrame:
    """The same code values, in 16 bits the upper ones, in a layout that `_read` knows: no colour is converted."""
    if _DIRECT.fullmatch(frame.format.name):
        return frame
    layout = frame.format
    deep = _deep(frame)
    if layout.is_rgb or layout.has_palette:
        return _relaid(frame, "gbrp16le" if deep else "gbrp")
    if len(layout.components) < 3:
        return _relaid(frame, "gray16le" if deep else "gray")
    halves = layout.chroma_width(16) == 8, layout.chroma_height(16) == 8
    kept = {(True, True): "yuv420p", (True, False): "yuv422p"}.get(halves, "yuv444p")
    return _relaid(frame, kept + "16le" if deep else kept)


def _deep(frame: VideoFrame) -> bool:
    return max(component.bits for component in frame.format.components) > 8


def _is_full(frame: VideoFrame) -> bool:
    return frame.color_range == FULL or frame.format.name.startswith("yuvj")


def _relaid(frame: VideoFrame, layout: str) -> VideoFrame:
    """In one thread: FFmpeg's threads now and then swap a row of luma and chroma (p010le, 1 frame in 10,000)."""
    return frame.reformat(format=layout, threads=1)


def _read(plane: Any, bits: int) -> Tensor:
    codes = np.frombuffer(plane, "<u2" if bits > 8 else np.uint8).reshape(plane.height, -1)[:, : plane.width]
    return torch.from_numpy(codes.astype(np.int32))


def _display_matrix(frame: VideoFrame) -> tuple[int, ...]:
    """a b u c d v x y w of the display matrix, in fixed point; the identity where there is none."""
    held = frame.side_data.get("DISPLAYMATRIX")
    return tuple(np.frombuffer(held, "<i4").tolist()) if held is not None else (1, 0, 0, 0, 1, 0, 0, 0, 1)


def _upright(image: Float[Tensor, "c H W"], matrix: tuple[int, ...]) -> Float[Tensor, "c h w"]:
    """Turn and mirror by quarter turns: x' = a x + c y, y' = b x + d y."""
    a, b, _, c, d = matrix[:5]
    if abs(b) > abs(a):
        image, a, d = image.transpose(1, 2), c, b
    return image.flip([axis for axis, sign in ((2, a), (1, d)) if sign < 0])


def turned(frame: VideoFrame) -> bool:
    """The display matrix swaps width and height."""
    a, b = _display_matrix(frame)[:2]
    return abs(b) > abs(a)
