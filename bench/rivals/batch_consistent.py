"""Pixel diffusion of all frames with the same noise, data by conjugate gradients, in the manner of SVI (Kwon and Ye 2025).

Theirs is a diffusion model of 256 x 256 pictures. Here it is the denoiser of the package: Tweedie's estimate for
x_σ = x + σ s, the same process in other units (σ² = 1/ᾱ − 1), which it knows for weak noise only. Written from the
description.
"""

import torch

from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.least_squares import Terms, solve
from oneseed.load import load_denoiser
from oneseed.recipe import Recipe
from oneseed.shapes import Frames

FAMILY: Family = "diffusion"
STEPS, ETA, CG_STEPS = 20, 0.15, 5  # theirs
STRONGEST, WEAKEST = 0.1, 0.01
"""σ of the first step and of the last, with equal ratios between. The denoiser was trained up to 0.2, and 0.1 is better."""
DOUBT = 0.35
"""Tweedie's estimate is expected to be wrong by this many σ."""
SEED = 0


def restore(given: Measurement) -> Restored:
    denoiser = load_denoiser(None, given.prior, given.y.device)
    generator = torch.Generator().manual_seed(SEED)
    # A deviation: theirs begins with noise alone, the same for all frames
    noisy = _start(given) + STRONGEST * _shared(given, generator)
    x = noisy
    for k in range(STEPS):
        sigma, weaker = (STRONGEST * (WEAKEST / STRONGEST) ** (i / (STEPS - 1)) for i in (k, k + 1))
        mean = denoiser.denoise(noisy, sigma)  # Tweedie
        # Data alone where they are exact, as there. A deviation: theirs never meets noise, and would fit it
        x = solve(given.y, given.degrade, mean, Terms(noise=given.noise, near=mean, near_sd=DOUBT * sigma), CG_STEPS)
        s, fresh = (noisy - mean) / sigma, ETA * weaker * (1 - (weaker / sigma) ** 2) ** 0.5  # DDIM's eq 16
        noisy = x + (weaker**2 - fresh**2) ** 0.5 * s + fresh * _shared(given, generator)  # its eq 12
    return Restored(x, STEPS)  # not the mean but what fits the data, as there


def _start(given: Measurement) -> Frames:
    """Smooth least squares: what the strong noise, which the denoiser does not know, would have left to be found."""
    r, zero = Recipe(), torch.zeros(given.shape).to(given.y)
    terms = Terms(noise=r.noise(given.noise), gradient_sd=r.gradient_sd)
    return solve(given.y, given.degrade, zero, terms, r.first_steps)


def _shared(given: Measurement, generator: torch.Generator) -> Frames:
    """One frame of noise for all."""
    return torch.randn(1, *given.shape[1:], generator=generator).to(given.y)
