"""An RGB image, with alpha or without, as a video frame in any of the layouts that are written."""

import re
from typing import Any

import numpy as np
from av import VideoFrame
from jaxtyping import Float
from torch import Tensor

from oneseed.clip import colour
from oneseed.clip.images import codes_of

Image = Float[Tensor, "3 H W"]
Matte = Float[Tensor, "1 H W"]

LIMITED, FULL = 1, 2  # AVColorRange
WRITABLE = re.compile(r"yuvj?4(20|22|44)p|yuva?4(20|22|44)p((10|12|14|16)le)?|gbra?p((10|12|14|16)le)?|bgr[0a]|p010le")


def is_rgb(layout: str) -> bool:
    """Red, green and blue, as they are."""
    return layout.startswith(("gbr", "bgr", "rgb"))


def is_clear(layout: str) -> bool:
    """It has alpha."""
    return layout.startswith(("yuva", "gbrap", "bgra"))


def is_subsampled(layout: str) -> bool:
    """Colour is coarser than light."""
    return not is_rgb(layout) and "444" not in layout and not layout.startswith("gray")


def coded(image: Image, alpha: Matte | None, layout: str, matrix: int, full: bool) -> VideoFrame:
    """RGB and alpha in [0, 1] as a frame; alpha is written where `layout` has it, as 1 unless given.

    `matrix` and `full` say how YUV is coded; RGB has neither. Grey is the red of `image`, in full range.
    """
    if layout == "p010le":
        return coded(image, None, "yuv420p10le", matrix, full).reformat(format=layout, threads=1)
    height, width = image.shape[1:]
    frame = VideoFrame(width, height, layout)
    bits = _bits(layout)
    matte = _alpha_codes(alpha, height, width, bits) if is_clear(layout) else None
    if layout.startswith("gray"):
        parts = [codes_of(image[:1].expand(3, -1, -1), bits)[..., 0]]
    elif is_rgb(layout):
        codes = codes_of(image, bits)
        parts = _planar(codes, matte) if layout.startswith("gbr") else [_packed(codes, matte, layout)]
    else:
        across, down = (1 if "444" in layout else 2), (2 if "420" in layout else 1)
        planes = colour.to_yuv(image, matrix, full, bits, across, down)
        parts = [plane.numpy().astype(np.uint8 if bits == 8 else np.uint16) for plane in planes]
        parts += [] if matte is None else [matte]
    _fill(frame, parts)
    frame.colorspace, frame.color_range = matrix, FULL if full else LIMITED
    return frame


def _bits(layout: str) -> int:
    match = re.search(r"p(\d+)le|gray(\d+)le", layout)
    return int(match[1] or match[2]) if match else 8


def _alpha_codes(alpha: Matte | None, height: int, width: int, bits: int) -> np.ndarray:
    kind = np.uint8 if bits == 8 else np.uint16
    if alpha is None:
        return np.full((height, width), 2**bits - 1, kind)
    return codes_of(alpha.expand(3, -1, -1), bits)[..., 0]


def _planar(codes: np.ndarray, matte: np.ndarray | None) -> list[np.ndarray]:
    return [codes[..., 1], codes[..., 2], codes[..., 0], *([] if matte is None else [matte])]


def _packed(codes: np.ndarray, matte: np.ndarray | None, layout: str) -> np.ndarray:
    if layout == "rgb24":
        return codes.reshape(len(codes), -1)
    fourth = np.zeros_like(codes[..., 0]) if matte is None else matte
    return np.dstack([codes[..., ::-1], fourth]).reshape(len(codes), -1)


def _fill(frame: VideoFrame, parts: list[np.ndarray]) -> None:
    planes: Any = frame.planes
    for plane, part in zip(planes, parts, strict=True):
        rows = np.frombuffer(plane, part.dtype).reshape(plane.height, -1)
        rows[:, : part.shape[1]] = part
