"""A prior with a known answer: its noise predictor is exact for unit-Gaussian latents. 8 x 8 pixels a latent."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneseed import ddim
from oneseed.ddim import Schedule, Spacing
from oneseed.last_layer import LastLayer

LATENT, FEATURE, SIDE = 4, 6, 8


class ToyPrior(nn.Module):
    """A random decoder, almost linear, and an encoder that undoes it on smooth pictures. Takes any size and precision."""

    def __init__(self, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.name, self.frugal = "toy", False
        generator = torch.Generator().manual_seed(42)
        body = torch.randn(FEATURE, LATENT, 3, 3, generator=generator, dtype=torch.float64) / 9
        tail = torch.randn(3, FEATURE, 3, 3, generator=generator, dtype=torch.float64) / 10
        whole = tail.sum((2, 3)) @ body.sum((2, 3))  # what both do to a constant latent, but for the soft clamp
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
        self.schedule = Schedule(tuple((1 - betas).cumprod(0).tolist()))
        parts = {"body": body, "tail": tail, "back": torch.linalg.pinv(whole)}
        for name, part in parts.items():
            self.register_buffer(name, part.to(dtype))

    def steps(self, started: bool) -> int:
        return 4

    def seed_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return LATENT, -(-height // SIDE), -(-width // SIDE)

    def eps(self, z: Tensor, t: int) -> Tensor:
        """The noise to expect in z_t = √ᾱ z_0 + √(1 − ᾱ) ε if z_0 is N(0, I)."""
        return (1 - self.schedule.abar[t]) ** 0.5 * z

    def reverse(self, z: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.reverse(z, self.eps, self.schedule, steps, spacing, checkpoint=self.frugal)

    def invert(self, latent: Tensor, steps: int, spacing: Spacing) -> Tensor:
        return ddim.invert(latent, self.eps, self.schedule, steps, spacing)

    def decode_body(self, latent: Tensor) -> Tensor:
        large = F.interpolate(4 * torch.tanh(latent / 4), scale_factor=SIDE, mode="bilinear")
        return F.conv2d(F.pad(large, (1, 1, 1, 1), mode="replicate"), self.body)

    def decode_tail(self, feature: Tensor) -> Tensor:
        return 0.5 + F.conv2d(feature, self.tail, padding=1)

    def last_layer(self) -> LastLayer:
        return LastLayer(self.tail, torch.full((3,), 0.5, dtype=self.tail.dtype))

    def encode(self, x: Tensor) -> Tensor:
        _, h, w = self.seed_shape(*x.shape[-2:])
        x = F.pad(x, (0, SIDE * w - x.shape[-1], 0, SIDE * h - x.shape[-2]), mode="replicate")
        return torch.einsum("lc,nchw->nlhw", self.back, F.avg_pool2d(x, SIDE) - 0.5)
