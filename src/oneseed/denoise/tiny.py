"""A small denoiser of photographs that ships with the package."""

import json
from pathlib import Path

import torch
from torch import nn

from oneseed.denoise._network import DenoisingUNet
from oneseed.errors import RequestError
from oneseed.shapes import Frames

__all__ = ["Tiny"]

SHIPPED = Path(__file__).parent / "tiny_weights"


class Tiny(nn.Module):
    """A U-Net without bias that works frame by frame.

    Args:
        folder: what `oneseed train` wrote into `denoiser/`.
        dtype: the precision of the layers between the first and the last.

    Raises:
        RequestError: the folder lacks a part, or one is broken.
    """

    def __init__(self, folder: Path = SHIPPED, dtype: torch.dtype = torch.float32):
        super().__init__()
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        self.name = "tiny" if folder == SHIPPED else folder.parent.name
        try:
            config = json.loads((folder / "config.json").read_text())
            self.network = DenoisingUNet(config["widths"], config["blocks"])
            self.network.load_state_dict(load_file(folder / "model.safetensors"))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            line = str(error).splitlines()[0]
            raise RequestError(
                f"{folder} holds no denoiser that can be read ({line}); needed is what `oneseed train` wrote. Name another."
            ) from error
        self.network.inner_in(dtype)
        self.requires_grad_(False).eval()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def denoise(self, x: Frames, sigma: float) -> Frames:
        if sigma == 0:
            return x
        strength = x.new_tensor([sigma])
        clean = torch.empty_like(x)
        for n in range(len(x)):
            clean[n : n + 1] = self.network(x[n : n + 1].contiguous(memory_format=torch.channels_last), strength)
        return clean
