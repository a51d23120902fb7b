"""From the JSON files to tables in Markdown."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any


def load(files: Sequence[Path]) -> list[dict[str, Any]]:
    """The runs that gave a result."""
    runs = [json.loads(file.read_text()) for file in files]
    return [run for run in runs if run["score"] is not None]


def table(runs: Sequence[dict[str, Any]], figure: str, tasks: Sequence[str], methods: Sequence[str]) -> str:
    """Means over clips of one figure: methods down, tasks across. `*`: chosen by the ground truth."""
    rows = [["", *tasks], ["---"] * (len(tasks) + 1)]
    for method in methods:
        mine = [run for run in runs if run["method"] == method]
        star = " *" if any(run["oracle"] for run in mine) else ""
        rows.append([method + star, *(_cell([run for run in mine if run["task"] == task], figure) for task in tasks)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _cell(runs: Sequence[dict[str, Any]], figure: str) -> str:
    values = [run[figure] if figure in run else run["score"][figure] for run in runs]
    values = [value for value in values if value is not None]
    return f"{mean(values):.4g}" if values else ""
