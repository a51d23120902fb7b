"""One video frame of PyAV to an upright RGB image and back."""

import re
from typing import Any

import numpy as np
import torch
from av import VideoFrame
from jaxtyping import Float
from torch import Tensor

from oneseed.clip import colour

Image = Float[Tensor, "3 H W"]

LIMITED, FULL = 1, 2  # AVColorRange
_DIRECT = re.compile(r"gray(9|10|12|14|16)?(le)?|(gbra?p|yuvj?a?4[1-4][014]p)(9|10|12|14|16)?(le)?")


def image_of(frame: VideoFrame, width: int, height: int) -> Image:
    """The top left `width` x `height` pixels, turned upright, as RGB in [0, 1]. Alpha is dropped.

    Raises:
        RequestError: colours that are neither RGB nor plain Y'CbCr.
    """
    matrix = colour.guess_matrix(frame.width, frame.height) if frame.colorspace == 2 else frame.colorspace
    full = frame.color_range == FULL or frame.format.name.startswith("yuvj")
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


def rgb_frame(codes: np.ndarray, pixel_format: str) -> VideoFrame:
    """RGB codes `H W 3` as a frame: `bgr0` or `rgb24` from 8 bits, `gbrp16le` from 16."""
    height, width = codes.shape[:2]
    frame = VideoFrame(width, height, pixel_format)
    if pixel_format == "gbrp16le":
        parts = [codes[..., 1], codes[..., 2], codes[..., 0]]
    elif pixel_format == "bgr0":
        parts = [np.dstack([codes[..., ::-1], np.zeros_like(codes[..., 0])]).reshape(height, -1)]
    else:
        parts = [codes.reshape(height, -1)]
    _fill(frame, parts)
    return frame


def yuv_frame(image: Image, pixel_format: str, matrix: int) -> VideoFrame:
    """RGB in [0, 1] as a frame: `yuv420p`, limited range, or `yuvj420p`, full range."""
    full = pixel_format == "yuvj420p"
    frame = VideoFrame(image.shape[2], image.shape[1], pixel_format)
    _fill(frame, [plane.numpy() for plane in colour.to_yuv420(image, matrix, full)])
    frame.colorspace, frame.color_range = matrix, FULL if full else LIMITED
    return frame


def _planar(frame: VideoFrame) -> VideoFrame:
    """The same code values, in 16 bits the upper ones, in a layout that `_read` knows: no colour is converted."""
    if _DIRECT.fullmatch(frame.format.name):
        return frame
    layout = frame.format
    deep = max(component.bits for component in layout.components) > 8
    if layout.is_rgb or layout.has_palette:
        return _relaid(frame, "gbrp16le" if deep else "gbrp")
    if len(layout.components) < 3:
        return _relaid(frame, "gray16le" if deep else "gray")
    halves = layout.chroma_width(16) == 8, layout.chroma_height(16) == 8
    kept = {(True, True): "yuv420p", (True, False): "yuv422p"}.get(halves, "yuv444p")
    return _relaid(frame, kept + "16le" if deep else kept)


def _relaid(frame: VideoFrame, layout: str) -> VideoFrame:
    """In one thread: FFmpeg's threads now and then swap a row of luma and chroma (p010le, 1 frame in 10,000)."""
    return frame.reformat(format=layout, threads=1)


def _read(plane: Any, bits: int) -> Tensor:
    codes = np.frombuffer(plane, "<u2" if bits > 8 else np.uint8).reshape(plane.height, -1)[:, : plane.width]
    return torch.from_numpy(codes.astype(np.int32))


def _fill(frame: VideoFrame, parts: list[np.ndarray]) -> None:
    planes: Any = frame.planes
    for plane, part in zip(planes, parts, strict=True):
        rows = np.frombuffer(plane, part.dtype).reshape(plane.height, -1)
        rows[:, : part.shape[1]] = part


def _display_matrix(frame: VideoFrame) -> tuple[int, ...]:
    """a b u c d v x y w of the display matrix, in fixed point; the identity where there is none."""
    held = frame.side_data.get("DISPLAYMATRIX")
    return tuple(np.frombuffer(held, "<i4").tolist()) if held is not None else (1, 0, 0, 0, 1, 0, 0, 0, 1)


def _upright(image: Image, matrix: tuple[int, ...]) -> Float[Tensor, "3 h w"]:
    """Turn and mirror by quarter turns: x' = a x + c y, y' = b x + d y."""
    a, b, _, c, d = matrix[:5]
    if abs(b) > abs(a):
        image, a, d = image.transpose(1, 2), c, b
    return image.flip([axis for axis, sign in ((2, a), (1, d)) if sign < 0])


def turned(frame: VideoFrame) -> bool:
    """The display matrix swaps width and height."""
    a, b = _display_matrix(frame)[:2]
    return abs(b) > abs(a)
