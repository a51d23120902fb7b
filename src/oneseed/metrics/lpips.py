"""LPIPS: distance between deep features of two pictures (Zhang et al. 2018), version 0.1, AlexNet or VGG16.

The weights are not part of the package: one safetensors file per backbone, `features.<i>.weight|bias` numbered as in
torchvision's models and `lin<k>.weight` for the five heads.
"""

from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from oneseed.errors import RequestError
from oneseed.shapes import Frames

__all__ = ["Lpips"]

Backbone = Literal["alex", "vgg"]

# Convolutions (out channels, kernel, stride, padding), "pool", and "tap" where features are compared.
_ALEX = [(64, 11, 4, 2), "tap", "pool", (192, 5, 1, 2), "tap", "pool", (384, 3, 1, 1), "tap", (256, 3, 1, 1), "tap",
         (256, 3, 1, 1), "tap"]  # fmt: skip
_VGG = [*[(64, 3, 1, 1)] * 2, "tap", "pool", *[(128, 3, 1, 1)] * 2, "tap", "pool", *[(256, 3, 1, 1)] * 3, "tap", "pool",
        *[(512, 3, 1, 1)] * 3, "tap", "pool", *[(512, 3, 1, 1)] * 3, "tap"]  # fmt: skip


class Lpips(nn.Module):
    """Distance of two batches of pictures in [0, 1], one number each; 0 is equal, lower is nearer.

    Args:
        weights: safetensors file with backbone and heads.
        backbone: `alex` (the usual score) or `vgg` (the usual loss).

    Raises:
        RequestError: the file is missing or holds another network.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, weights: Path, backbone: Backbone = "alex"):
        super().__init__()
        plan = {"alex": _ALEX, "vgg": _VGG}[backbone]
        pool = nn.MaxPool2d(3, 2) if backbone == "alex" else nn.MaxPool2d(2, 2)
        layers: list[nn.Module] = []
        self.taps: list[int] = []
        channels, heads = 3, []
        for step in plan:
            if step == "pool":
                layers.append(pool)
            elif step == "tap":
                self.taps.append(len(layers) - 1)
                heads.append(nn.Conv2d(channels, 1, 1, bias=False))
            elif not isinstance(step, str):
                out, kernel, stride, padding = step
                layers += [nn.Conv2d(channels, out, kernel, stride, padding), nn.ReLU()]
                channels = out
        self.features = nn.Sequential(*layers)
        for k, head in enumerate(heads):
            setattr(self, f"lin{k}", head)
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1), persistent=False)
        self._load(Path(weights), backbone)
        self.requires_grad_(False).eval()

    def _load(self, weights: Path, backbone: Backbone) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            self.load_state_dict(load_file(weights))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise RequestError(
                f"{weights} does not hold LPIPS weights for {backbone} ({type(error).__name__}); needed is a "
                f"safetensors file with features.* and lin0..lin4. Give the folder that holds it, or --lpips none."
            ) from error

    def forward(self, x: Frames, y: Frames) -> Float[Tensor, " N"]:
        total = x.new_zeros(len(x))
        a, b = (2 * x - 1 - self.shift) / self.scale, (2 * y - 1 - self.shift) / self.scale
        for index, layer in enumerate(self.features):
            a, b = layer(a), layer(b)
            if index in self.taps:
                head = getattr(self, f"lin{self.taps.index(index)}").weight
                gap = (_unit(a) - _unit(b)).square()
                total = total + F.conv2d(gap, head).mean((1, 2, 3))
        return total


def _unit(features: Tensor) -> Tensor:
    """Each pixel's feature vector at length one; the constant is the official package's.

    Where all features are 0 the root has no slope, but the ReLU before it lets no gradient through.
    """
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)
