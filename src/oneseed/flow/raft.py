"""RAFT (Teed and Deng 2020) from torchvision: learned, for a GPU; fetches its weights once or takes a file."""

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneseed.errors import RequestError
from oneseed.shapes import Flow, Frames
from oneseed.torchvision_operators import declare

__all__ = ["Raft"]

_SMALLEST = 128  # the coarsest of its four correlation levels is 1/64 of a side and must have 2 pixels
_MULTIPLE = 8


TOGETHER = {"cuda": 8}
"""Pairs at a time, by the kind of device; elsewhere one."""

HALF = {"cuda": torch.float16}
"""What its networks compute in there, all but what needs more (autocast); elsewhere float32."""


class Raft:
    """RAFT on the device of the frames: pair by pair, on a GPU some at a time and in half precision.

    Args:
        size: `large` (5.3 M parameters) or `small` (1.0 M).
        weights: .pth or .safetensors file of torchvision's model; None takes torchvision's C_T_SKHT_V2 (large) or
            C_T_V2 (small) from its cache, or downloads it.
        updates: refinements of the flow; 12 as in the paper.

    Raises:
        RequestError: torchvision is missing, or the weights are missing or belong to another network.
    """

    def __init__(self, size: Literal["large", "small"] = "large", weights: Path | None = None, updates: int = 12):
        self.updates = updates
        try:
            declare()
            from torchvision.models import optical_flow
        except ImportError as error:
            raise RequestError(
                "torchvision is not installed; the flow `raft` needs it. "
                "Run: pip install 'oneseed[raft]', or take --flow dis."
            ) from error
        build = {"large": optical_flow.raft_large, "small": optical_flow.raft_small}[size]
        state = _download(size) if weights is None else _read(Path(weights))
        self._network: nn.Module = build()
        try:
            self._network.load_state_dict(state)
        except (RuntimeError, TypeError) as error:
            raise RequestError(
                f"{weights} holds another network; needed are weights of torchvision's raft_{size}. "
                f"Give that file, or the other size."
            ) from error
        self._network.requires_grad_(False).eval()

    @torch.no_grad()
    def estimate(self, here: Frames, there: Frames) -> Flow:
        height, width = here.shape[-2:]
        self._network.to(here.device)
        kind = here.device.type
        pairs = zip(*(_prepared(x).split(TOGETHER.get(kind, 1)) for x in (here, there)), strict=True)
        with torch.autocast(kind, HALF.get(kind), enabled=kind in HALF):
            flows = [self._network(a, b, num_flow_updates=self.updates)[-1] for a, b in pairs if len(a)]
        if not flows:
            return here.new_zeros(0, 2, height, width)
        return torch.cat(flows)[..., :height, :width].to(here).contiguous()


def _prepared(x: Frames) -> Tensor:
    """Frames in [-1, 1], the border repeated to the right and below up to a size that RAFT takes."""
    below, right = (max(_SMALLEST, -(-side // _MULTIPLE) * _MULTIPLE) - side for side in x.shape[-2:])
    return F.pad(2 * x.float().clamp(0, 1) - 1, (0, right, 0, below), mode="replicate")


def _read(file: Path) -> Any:
    """Whatever the file holds."""
    import pickle

    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        return torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        raise RequestError(
            f"{file} cannot be read as weights ({type(error).__name__}); needed is a .pth or .safetensors file of "
            f"torchvision's RAFT. Give that file, or take --flow dis."
        ) from error


def _download(size: Literal["large", "small"]) -> dict[str, Tensor]:
    from torchvision.models.optical_flow import Raft_Large_Weights, Raft_Small_Weights

    source = {"large": Raft_Large_Weights.C_T_SKHT_V2, "small": Raft_Small_Weights.C_T_V2}[size]
    try:
        return dict(source.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise RequestError(
            f"the weights of RAFT could not be fetched ({type(error).__name__}); needed is {source.url}. "
            f"Put that file into {folder}, or take --flow dis."
        ) from error
