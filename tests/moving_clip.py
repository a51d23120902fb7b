"""A short clip whose texture pans to the right, one pixel a frame: there is motion to find, and a truth to compare with."""

import torch
from torch import Tensor
from torch.nn import functional as F


def moving_clip(frames: int = 4, size: int = 24) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, 10, 10, generator=generator)
    wide = F.interpolate(coarse, size=(size, size + frames), mode="bicubic").clamp(0, 1)
    return torch.cat([wide[..., frames - n : frames - n + size] for n in range(frames)])
