"""Runs, read back from their JSON files."""

import json
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path
from statistics import mean, stdev
from typing import Any

Run = dict[str, Any]


def load(files: Iterable[Path]) -> list[Run]:
    """The runs that gave a result: of single files, or of collections with a run a line (`.jsonl`)."""
    runs: list[Run] = []
    for file in files:
        lines = file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]
        runs += [run for run in map(json.loads, lines) if run["score"] is not None]
    return runs


def value(run: Run, figure: str) -> float | None:
    """A figure of the run or of its score; None where it was not measured."""
    return run[figure] if figure in run else run["score"].get(figure)


def values(runs: Sequence[Run], task: str, method: str, figure: str) -> dict[str, float]:
    """One figure of a cell of the tables, by clip."""
    found = {run["clip"]: value(run, figure) for run in runs if run["task"] == task and run["method"] == method}
    return {clip: number for clip, number in found.items() if number is not None}


def mean_and_error(numbers: Sequence[float]) -> tuple[float, float | None]:
    """Mean and standard error of the mean; of one number there is none, nor where one is infinite."""
    if len(numbers) < 2 or not all(map(isfinite, numbers)):
        return mean(numbers), None
    return mean(numbers), stdev(numbers) / len(numbers) ** 0.5
