"""An untrained network that takes fixed noise to the video, fitted to the measurements alone (Ulyanov et al. 2018).

One network for all frames; part of its input is the same for all, part each frame's own. It fits pictures before noise, so
that it is stopped when the measurements are met to within theirs. The result is the average of the last epochs.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.shapes import Frames

FAMILY: Family = "untrained"
EPOCHS = 600
"""Eight to ten minutes for 8 frames of 256 x 256 on two cores."""
LR = 0.005  # half of theirs: ends nearer after so few epochs
AVERAGE = 0.95
"""Weight of the epochs before beside each new one. Averages are customary for this method; the usual 0.99 lags behind."""
WIDTHS = (16, 16, 32, 64)
"""Channels at each level; each halves the resolution. Theirs has 128 at five."""
SKIP = 4  # channels past each level, theirs
SHARED, OWN = 4, 4  # channels of noise
SEED = 0


class Hourglass(nn.Module):
    """Noise, `N c H W` of any size, to frames in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (SHARED + OWN, *WIDTHS[1:])
        self.past = nn.ModuleList(_layer(width, SKIP, 1) for width in inputs[:-1])
        self.down = nn.ModuleList(_layer(a, b, 3, stride=2) for a, b in pairwise(inputs))
        self.up = nn.ModuleList(_layer(b + SKIP, a, 3) for a, b in pairwise(WIDTHS))
        self.colours = nn.Conv2d(WIDTHS[0], 3, 1)

    def forward(self, z: Tensor) -> Frames:
        kept: list[Tensor] = []
        for past, down in zip(self.past, self.down, strict=True):
            kept.append(past(z))
            z = down(z)
        for up, skip in zip(reversed(self.up), reversed(kept), strict=True):
            z = up(torch.cat([F.interpolate(z, size=skip.shape[-2:]), skip], 1))
        return self.colours(z).sigmoid()


def restore(given: Measurement) -> Restored:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = Hourglass().to(given.y)
        n, _, height, width = given.shape
        shared, own = torch.rand(1, SHARED, height, width), torch.rand(n, OWN, height, width)
    z = torch.cat([shared.expand(n, -1, -1, -1), own], 1).to(given.y)
    adam = torch.optim.Adam(network.parameters(), lr=LR)
    average, epoch = torch.zeros(given.shape).to(given.y), 0
    for epoch in range(1, EPOCHS + 1):  # noqa: B007
        adam.zero_grad()
        x = network(z)
        loss = (given.degrade(x) - given.y).square().mean()  # their eq 2
        loss.backward()
        adam.step()
        average.lerp_(x.detach(), 1 - AVERAGE)
        if loss.sqrt() <= given.noise:  # Morozov 1966; never, where the measurements are exact
            break
    return Restored(average / (1 - AVERAGE**epoch), epoch)  # the weights' sum is not 1 yet


def _layer(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))
