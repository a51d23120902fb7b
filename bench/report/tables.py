"""One table for each figure: methods down, tasks across, means over the same clips."""

from collections.abc import Sequence

from bench.report.figures import FIGURES, Figure
from bench.report.grid import EMPTY, Cell, Grid, Kind, Row
from bench.report.markdown import markdown
from bench.report.parts import Part, parts
from bench.results import Run, mean_and_error, values

__all__ = ["FIGURES", "grids", "table"]

TRUTH = "whatever the method"
STAR = "* chosen by the ground truth, which no user has; never the best."
MISSING = "(n=…) Some of the clips that others have are missing: this mean is not compared with theirs."


def table(runs: Sequence[Run], figure: str, tasks: Sequence[str], methods: Sequence[str]) -> str:
    """Markdown: mean ± standard error over clips, the best in bold; empty where nobody has that figure."""
    return "\n\n".join(markdown(grid) for grid in grids(runs, figure, tasks, methods))


def grids(runs: Sequence[Run], figure: str, tasks: Sequence[str], methods: Sequence[str]) -> list[Grid]:
    """One grid for each part that has the figure."""
    shown = [run for run in runs if run["method"] in methods and run["task"] in tasks]
    if FIGURES[figure].of_clip:
        shown, methods = [{**run, "method": TRUTH, "family": "", "by_truth": False} for run in shown], [TRUTH]
    found = (_grid(part, figure, tasks, methods) for part in parts(shown, FIGURES[figure].timed))
    return [grid for grid in found if grid.rows]


def kind(run: Run) -> Kind:
    return "by truth" if run["by_truth"] else "ours" if run["family"] == "ours" else "rival"


def label(method: str, its_kind: Kind) -> str:
    return f"{method}*" if its_kind == "by truth" else method


def _grid(part: Part, figure: str, tasks: Sequence[str], methods: Sequence[str]) -> Grid:
    kinds: dict[str, Kind] = {run["method"]: kind(run) for run in part.runs}
    names = [method for method in methods if method in kinds]
    found = {task: {method: values(part.runs, task, method, figure) for method in names} for task in tasks}
    clips = {task: {clip for numbers in found[task].values() for clip in numbers} for task in tasks}
    shown = [task for task in tasks if clips[task]]
    columns = [_column(found[task], len(clips[task]), kinds, FIGURES[figure]) for task in shown]
    rows = [
        Row([Cell(label(method, kinds[method])), *(column.get(method, EMPTY) for column in columns)], kinds[method])
        for method in names
        if any(method in column for column in columns)
    ]
    most = max((len(clips[task]) for task in shown), default=0)
    heads = [task if len(clips[task]) == most else f"{task} (n={len(clips[task])})" for task in shown]
    missing = any(cell.note for row in rows for cell in row.cells)
    starred = any(row.kind == "by truth" for row in rows)
    notes = [note for note, needed in ((STAR, starred), (MISSING, missing)) if needed]
    return Grid(f"{FIGURES[figure].heading}: {part.title}", ["method", *heads], rows, notes)


def _column(found: dict[str, dict[str, float]], clips: int, kinds: dict[str, Kind], figure: Figure) -> dict[str, Cell]:
    """By method. The best is looked for among those that have all the clips and were not chosen by the truth."""
    averages = {method: mean_and_error(list(numbers.values())) for method, numbers in found.items() if numbers}
    fair = {
        method: average
        for method, (average, _) in averages.items()
        if len(found[method]) == clips and kinds[method] != "by truth"
    }
    best = figure.best(fair)
    return {
        method: Cell(
            figure.show(average),
            "" if error is None else figure.show(error),
            "" if len(found[method]) == clips else f"(n={len(found[method])})",
            method in best,
        )
        for method, (average, error) in averages.items()
    }
