"""What a prior believes in: pictures of random seeds, R and D alone."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from oneseed.errors import RequestError
from oneseed.prior.base import Prior
from oneseed.shapes import Frames


@torch.no_grad()
def draw(prior: Prior, count: int, height: int, width: int, steps: int, seed: int, device: torch.device) -> Frames:
    """D(R(z)) for `count` seeds z ~ N(0, I): `count 3 H W` in [0, 1], clamped, on the CPU.

    Raises:
        RequestError: no picture is asked for, or one without pixels.
    """
    if min(count, height, width) < 1 or steps < 0:
        raise RequestError(
            f"count={count}, size={width}x{height}, steps={steps}; needed are a picture at least, pixels, and 0 steps or more."
        )
    generator = torch.Generator().manual_seed(seed)
    pictures = []
    for _ in range(count):
        z = torch.randn(1, *prior.seed_shape(height, width), generator=generator).to(device)
        x = prior.decode_tail(prior.decode_body(prior.reverse(z, steps, "trailing")))
        pictures.append(x[..., :height, :width].clamp(0, 1).cpu())
    return torch.cat(pictures)


def sheet(pictures: Frames) -> Tensor:
    """All of them beside and below each other, as nearly square as can be: `1 3 H W`; black where none is left."""
    count, channels, height, width = pictures.shape
    columns = next(n for n in range(1, count + 1) if n * n >= count)
    rows = -(-count // columns)
    empty = pictures.new_zeros(rows * columns - count, channels, height, width)
    grid = torch.cat([pictures, empty]).unflatten(0, (rows, columns))
    return grid.permute(2, 0, 3, 1, 4).reshape(1, channels, rows * height, columns * width)


def save_picture(x: Tensor, file: Path) -> None:
    """`1 3 H W` in [0, 1], clamped, as an 8-bit picture."""
    pixels = (x[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(pixels.cpu().numpy())).save(file)
