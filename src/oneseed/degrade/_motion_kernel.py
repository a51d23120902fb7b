"""Random motion kernels: the path of a shaking hand, after the generator that DPS, DMPlug and their followers use.

Written from its description (github.com/LeviBorodenko/motionblur). Drawn at twice the size and shrunk.
"""

import numpy as np
import torch
from jaxtyping import Complex, Float
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor


def draw_kernel(size: int, intensity: float, seed: int) -> Float[Tensor, "K K"]:
    """A motion kernel of `size` x `size` pixels, float64, sum 1. How long its path is varies widely with the seed."""
    random = np.random.default_rng(seed)
    side = 2 * size
    diagonal = side * 2**0.5
    for _ in range(100):  # a path may leave the image altogether
        path = _path(diagonal, intensity, random)
        path = (path - path.mean()) * np.exp(1j * random.uniform(0, np.pi)) + (1 + 1j) * side / 2
        image = Image.new("L", (side, side))
        width = max(1, int(diagonal / 150))  # a line of width 0 is one pixel wide to some Pillows, nothing to others
        ImageDraw.Draw(image).line([(point.real, point.imag) for point in path.tolist()], fill=255, width=width)
        image = image.filter(ImageFilter.GaussianBlur(int(0.01 * diagonal)))
        kernel = torch.from_numpy(np.array(image.resize((size, size), Image.Resampling.LANCZOS), dtype=np.float64))
        if kernel.sum() > 0:
            return kernel / kernel.sum()
    raise AssertionError("Pillow drew a hundred paths that cannot be seen")


def _path(diagonal: float, intensity: float, random: np.random.Generator) -> Complex[np.ndarray, " P"]:
    """Corners of a path, in pixels, as complex numbers."""
    length = 0.75 * diagonal * (random.uniform(0, 1) + random.uniform(0, intensity**2))
    steps: list[float] = []
    while sum(steps) < length:
        step = random.beta(1, 30) * (1 - intensity + 0.1) * diagonal
        if step < length:
            steps.append(step)
    most = random.uniform(0, intensity * np.pi)
    jitter = random.beta(2, 20)
    angles = [random.uniform(-most, most)]
    while len(angles) < len(steps):
        turn = random.triangular(0, intensity * most, most + 0.1)
        turned_left = angles[-1] < 0
        turns_left = turned_left != (random.uniform() < jitter)
        angles.append(-turn if turns_left else turn)
    return np.cumsum(np.array(steps) * np.exp(1j * np.array(angles)))
