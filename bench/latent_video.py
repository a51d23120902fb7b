"""Video restoration in the latent space of an image model, in the manner of VISION-XL (Kwon and Ye 2024).

Each reverse step: the picture that the model expects (Tweedie), decoded; conjugate gradients on the data from there
(decomposed diffusion sampling, Chung et al. 2024); a low-pass; encoded; a step of DDIM with fresh noise. All frames begin
at one latent and get the same noise. Written from the description; with the benchmark's prior and no text.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.rivals.base import Restored
from bench.tasks import Measurement
from oneseed.ddim import Schedule, timesteps
from oneseed.load import load_prior
from oneseed.prior.base import Prior
from oneseed.shapes import Frames, Measured

Adjoint = Callable[[Measured], Frames]

NFE, START, ETA, CG_STEPS, LOW_PASS = 25, 300, 0.2, 10, 2.0  # theirs
TOLERANCE = 1e-7  # of a step, root mean square on the [0, 1] scale
SEED = 0


class Scheduled(Prior, Protocol):
    """A prior that says how it sees noise."""

    schedule: Schedule


@torch.no_grad()
def restore(given: Measurement, first: Frames, adjoint: Adjoint) -> Restored:
    """The last decoded frames, as there: what the auto-encoder cannot hold is lost.

    Args:
        first: an estimate of the first frame, from whose seed all frames begin.
        adjoint: of the degradation, as far as the conjugate gradients know.
    """
    prior = cast(Scheduled, load_prior(given.prior, given.y.device))
    n, _, height, width = given.shape
    abar = prior.schedule.abar
    times = [t for t in timesteps(NFE, len(abar), "leading") if t <= START]  # 8 of the 25
    z = until(prior, times[0]).invert(prior.encode(first), len(times), "trailing").expand(n, -1, -1, -1)
    generator, x = torch.Generator().manual_seed(SEED), first
    for t, t_next in zip(times, [*times[1:], None], strict=True):
        z0 = torch.cat([until(prior, t).reverse(one[None], 1, "trailing") for one in z])  # Tweedie
        x = torch.cat([prior.decode_tail(prior.decode_body(one[None])) for one in z0])[..., :height, :width]
        if t_next is None:
            break
        x = conjugate_gradients(given, x, adjoint)
        corrected = prior.encode(low_pass(x, (LOW_PASS * (1 - abar[t])) ** 0.5))
        fresh = torch.randn(z[:1].shape, generator=generator).to(z)  # one for all frames
        z = leap(z, z0, corrected, fresh, abar[t], abar[t_next])
    return Restored(x, len(times))


def leap(z: Tensor, z0: Tensor, corrected: Tensor, fresh: Tensor, a: float, a_next: float) -> Tensor:
    """DDIM's eq 12, from ᾱ to the next, with the noise that z0 leaves in z and `corrected` in place of z0."""
    s = (z - a**0.5 * z0) / (1 - a) ** 0.5
    spread = ETA * ((1 - a_next) / (1 - a) * (1 - a / a_next)) ** 0.5  # its eq 16
    return a_next**0.5 * corrected + (1 - a_next - spread**2) ** 0.5 * s + spread * fresh


def until(prior: Scheduled, t: int) -> Scheduled:
    """The same networks as if t were the last trained step: one step of R is then Tweedie's estimate at t."""
    shorter = copy.copy(prior)
    shorter.schedule = replace(prior.schedule, abar=prior.schedule.abar[: t + 1], final=1.0, grid=1)
    return shorter


def conjugate_gradients(given: Measurement, x: Frames, adjoint: Adjoint) -> Frames:
    """B A x = B y from x, B the adjoint that is given: only the true one is sure to lead there (Hestenes and Stiefel 1952).

    What has left all bounds comes back as a picture.
    """
    residual = adjoint(given.y - given.degrade(x))
    direction, power = residual, residual.square().sum()
    for _ in range(CG_STEPS):
        if power == 0:
            break
        image = adjoint(given.degrade(direction))
        length = power / (direction * image).sum()
        moved = length.abs() * direction.square().mean().sqrt()
        x, residual = x + length * direction, residual - length * image
        if moved < TOLERANCE:
            break  # rounding errors are all that is left
        power, last = residual.square().sum(), power
        direction = residual + power / last * direction
    return x.nan_to_num().clamp(0, 1)


def low_pass(x: Frames, sigma: float) -> Frames:
    """Gaussian blur, mirrored at the edges and cut off at four standard deviations."""
    n, c, h, w = x.shape
    reach = math.ceil(4 * sigma)
    kernel = torch.exp(-torch.arange(-reach, reach + 1).square() / (2 * sigma**2)).to(x)
    rows = (kernel / kernel.sum()).view(1, 1, 1, -1)
    planes = F.pad(x, (reach, reach, reach, reach), mode="reflect").flatten(0, 1)[:, None]
    return F.conv2d(F.conv2d(planes, rows), rows.mT).view(n, c, h, w)
