"""What a run needs to go on from where it was cut short. Who runs it keeps it; the method only says it and asks for it."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from oneseed.epoch import Epoch

STAGES = ("started", "searching", "found", "finished")
"""After the start, after an epoch, with the search's result, and with the finish's."""


class State(NamedTuple):
    """Tensors by name, and what JSON can hold by name."""

    stage: str
    tensors: dict[str, Tensor]
    numbers: dict[str, Any]

    def reached(self, stage: str) -> bool:
        return STAGES.index(self.stage) >= STAGES.index(stage)


class Baton(NamedTuple):
    """What one window has learnt, for the next."""

    learnt: Sequence[Tensor]
    """z_shared, A, B."""
    later: int
    """Frames by which the next window begins later."""


class Journal:
    """Where states are kept; this one keeps none."""

    def read(self) -> State | None:
        """The last state that was kept; None: begin at the beginning."""
        return None

    def note(self, state: Callable[[], State], always: bool = False) -> None:
        """Keep what `state` makes, if enough was done since the last time or `always` says so."""

    def before(self) -> Baton | None:
        """What the search of the window before ended with; None: begin with noise."""
        return None

    def after(self, learnt: Sequence[Tensor]) -> None:
        """What this search ended with, for the window after."""


def told(epoch: Epoch) -> dict[str, Any]:
    """An epoch but for its video."""
    return {field.name: getattr(epoch, field.name) for field in fields(epoch) if field.name != "x"}


def of_adam(adam: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimiser remembers, by the number of the parameter."""
    held = adam.state_dict()["state"]
    return {f"adam.{number}.{name}": value for number, part in held.items() for name, value in part.items()}


def to_adam(adam: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Have it remember `of_adam` of another."""
    held: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, number, part = name.split(".")
            held.setdefault(int(number), {})[part] = value
    adam.load_state_dict(adam.state_dict() | {"state": held})


@torch.no_grad()
def to_parameters(parameters: list[nn.Parameter], tensors: dict[str, Tensor]) -> None:
    for number, parameter in enumerate(parameters):
        parameter.copy_(tensors[f"learnt.{number}"])
