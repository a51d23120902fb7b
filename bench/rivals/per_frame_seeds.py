"""One seed per frame, nothing shared: the paper's "Base" (eq 5); for images DMPlug (Wang et al. 2024)."""

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint as recompute

from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.load import load_prior
from oneseed.prior.base import Prior
from oneseed.shapes import Frames

FAMILY: Family = "diffusion"
EPOCHS = 120
"""Eight to ten minutes for 8 frames of 256 x 256 on two cores with `tiny`; the image method takes 5000."""
LR = 0.01  # DMPlug's
STEPS = 4  # of R; best in the paper's Table 1
SEED = 0


def restore(given: Measurement) -> Restored:
    """The last iterate: nothing here can tell which one was best."""
    prior = load_prior(given.prior, given.y.device)
    n, _, height, width = given.shape
    drawn = torch.randn(n, *prior.seed_shape(height, width), generator=torch.Generator().manual_seed(SEED))
    z = drawn.to(given.y).requires_grad_()
    adam = torch.optim.Adam([z], lr=LR)
    for _ in range(EPOCHS):
        adam.zero_grad()
        loss(given, prior, z).backward()
        adam.step()
    with torch.no_grad():
        return Restored(video(prior, z, height, width), EPOCHS)


def loss(given: Measurement, prior: Prior, z: Tensor) -> Tensor:
    _, _, height, width = given.shape
    return (given.degrade(video(prior, z, height, width)) - given.y).square().mean()  # eq 5, l the squared error


def video(prior: Prior, z: Tensor, height: int, width: int) -> Frames:
    """D(R(z_n)) for every n. On the way back each frame is computed again, so that one frame's graph lives at a time."""
    frames = [recompute(_frame, prior, one[None], use_reentrant=False) for one in z]
    return torch.cat(frames)[..., :height, :width]  # type: ignore[arg-type]


def _frame(prior: Prior, z: Tensor) -> Frames:
    return prior.decode_tail(prior.decode_body(prior.reverse(z, STEPS, "trailing")))
