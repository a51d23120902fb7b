"""Random LPIPS weights, in our file's format and in the official package's network."""

from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file

from oneseed.torchvision_operators import declare

FILES = {"alex": "lpips_alexnet.safetensors", "vgg": "lpips_vgg16.safetensors"}


def official_network(backbone: Literal["alex", "vgg"], real_heads: bool = False) -> Any:
    """The official package's network with a random backbone; random heads are positive, as the trained ones are."""
    declare()
    import lpips

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = lpips.LPIPS(net=backbone, pretrained=real_heads, pnet_rand=True, verbose=False)
        for head in [] if real_heads else network.lins:
            head.model[-1].weight.data.uniform_(0, 1)
    return network


def _official_name(network: Any, ours: str) -> str:
    """Name in the official network of what our file calls `ours`."""
    first, _, rest = ours.partition(".")
    if first != "features":
        return f"{first}.model.1.{rest}"
    (found,) = (name for name in network.state_dict() if name.startswith("net.slice") and name.endswith(f".{rest}"))
    return found


def our_names(network: Any) -> list[str]:
    layers = (name.split(".", 2)[2] for name in network.state_dict() if name.startswith("net.slice"))
    return [*(f"features.{layer}" for layer in layers), *(f"lin{k}.weight" for k in range(5))]


def write_lpips_weights(network: Any, file: Path) -> Path:
    state = network.state_dict()
    save_file({name: state[_official_name(network, name)].contiguous() for name in our_names(network)}, file)
    return file


def read_lpips_weights(network: Any, weights: dict[str, torch.Tensor]) -> None:
    """Load what our file holds into the official network."""
    state = network.state_dict()
    for name, value in weights.items():
        state[_official_name(network, name)].copy_(value)
