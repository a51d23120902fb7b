"""A denoiser with a known answer: pictures are blurred the more, the more noise it is told of."""

import torch
from torch.nn import functional as F

from oneseed.shapes import Frames


class ToyDenoiser:
    """Half blurred at σ = 0.1. Takes any size and precision."""

    name = "toy"

    @torch.no_grad()
    def denoise(self, x: Frames, sigma: float) -> Frames:
        if sigma == 0:
            return x
        blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        return x + (blurred - x) * (1 - 0.5 ** (10 * sigma))

    def to(self, device: object) -> "ToyDenoiser":
        return self
