"""Latent diffusion of all frames with the same noise, data by conjugate gradients, after VISION-XL (Kwon and Ye 2024).

With what its release lacks: the true adjoint, and a first frame without holes.
"""

import torch

from bench import latent_video
from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.least_squares import Terms, solve
from oneseed.recipe import Recipe

FAMILY: Family = "diffusion"


def restore(given: Measurement) -> Restored:
    r, zero = Recipe(), torch.zeros(given.shape).to(given.y)
    terms = Terms(noise=r.noise(given.noise), gradient_sd=r.gradient_sd)
    # A deviation: theirs begins at the measured frame, and holes in it stay dark
    smooth = solve(given.y, given.degrade, zero, terms, r.first_steps)
    return latent_video.restore(given, smooth[:1], lambda y: given.degrade.adjoint(y, given.shape))
