"""The training loop that both networks share: Adam, half cosine, moving average of the weights, checkpoints."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from oneseed.device import fast_in_bfloat16
from oneseed.errors import RequestError

CHECKPOINT_EVERY = 250  # steps


@dataclass(frozen=True)
class Trained:
    """One step of training. `average` holds the moving average of the weights, which is what is kept."""

    step: int
    steps: int
    loss: float
    average: nn.Module


def train(
    model: nn.Module,
    loss: Callable[[int], Tensor],
    steps: int,
    lr: float,
    checkpoint: Path,
    device: torch.device,
    decay: float = 0.998,
) -> Iterator[Trained]:
    """Minimise `loss(step)` and yield after each step; goes on from `checkpoint` if it is there.

    Networks run in bfloat16 where that is fast; weights, averages and sums stay in float32.
    """
    average = copy.deepcopy(model).requires_grad_(False)
    adam = torch.optim.Adam(model.parameters(), lr, betas=(0.9, 0.99))
    half = fast_in_bfloat16(device)
    first = _resume(checkpoint, model, average, adam)
    for step in range(first, steps):
        warm = min(1.0, (step + 1) / 100)
        adam.param_groups[0]["lr"] = lr * warm * 0.5 * (1 + math.cos(math.pi * step / steps))
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            value = loss(step)
        adam.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        with torch.no_grad():
            rate = min(decay, (step + 1) / (step + 10))
            for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                slow.lerp_(fast, 1 - rate)
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == steps:
            _save(checkpoint, step + 1, model, average, adam)
        yield Trained(step + 1, steps, value.item(), average)
    if first >= steps:
        yield Trained(steps, steps, math.nan, average)


def load_weights(model: nn.Module, file: Path) -> None:
    """Weights of another training, to begin with.

    Raises:
        RequestError: none there, or of networks of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        model.load_state_dict(load_file(file))
    except (OSError, RuntimeError, SafetensorError) as error:
        line = str(error).splitlines()[0]
        raise RequestError(f"{file} cannot be begun with ({line}); needed are weights of the same shapes.") from error


def _save(path: Path, step: int, model: nn.Module, average: nn.Module, adam: torch.optim.Adam) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"step": step, "model": model.state_dict(), "average": average.state_dict(), "adam": adam.state_dict()}
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _resume(path: Path, model: nn.Module, average: nn.Module, adam: torch.optim.Adam) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    adam.load_state_dict(state["adam"])
    return state["step"]
