"""All runs in one small file, a line each, that `bench.results.load` reads again."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.results import Run

DIGITS = 5
LEFT_OUT = ("per_frame", "notes")  # of the score: long, and where weights were looked for


def collect(runs: Sequence[Run], file: Path) -> None:
    """Floats keep five digits."""
    small = sorted((_small(run) for run in runs), key=_key)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(run, separators=(',', ':'))}\n" for run in small))


def _key(run: Run) -> tuple[str, ...]:
    return tuple(
        str(run[name]) for name in ("dataset", "frames", "size", "task", "clip", "method", "machine", "threads")
    )


def _small(run: Run) -> Run:
    score = {name: number for name, number in run["score"].items() if name not in LEFT_OUT}
    return _rounded({**run, "score": score})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
