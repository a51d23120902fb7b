"""Methods and tasks in the order of the tables: the simplest family first, what the truth chooses after its own, ours last."""

from collections.abc import Sequence
from typing import get_args

from bench.results import Run
from bench.rivals.base import Family
from bench.tasks import TASKS
from oneseed.presets import PRESETS

_FAMILIES = [*get_args(Family), "ours"]
_PRESETS = list(PRESETS)


def methods_of(runs: Sequence[Run]) -> list[str]:
    families = {run["method"]: run["family"] for run in runs}
    return sorted(families, key=lambda name: (_FAMILIES.index(families[name]), _rank(name), name))


def _rank(name: str) -> int:
    return _PRESETS.index(name) if name in PRESETS else len(PRESETS)


def tasks_of(runs: Sequence[Run]) -> list[str]:
    there = {run["task"] for run in runs}
    return [task for task in TASKS if task in there]
