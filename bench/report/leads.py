"""Ours less the best rival, in dB, and whether the gain was bought with perceived quality or consistency."""

from collections.abc import Sequence

from bench.report.figures import FIGURES
from bench.report.grid import EMPTY, Cell, Grid, Row
from bench.report.markdown import markdown
from bench.report.parts import Part, parts
from bench.report.statistics import best_rival, paired, rivals, verdict
from bench.results import Run, mean_and_error, values

COLUMNS = ["task", "ours", "PSNR (dB)", "best rival", "lead (dB)", "p", "best without learning", "lead (dB)", "p"]
NOTE = (
    "Lead: the mean difference over the same clips ± its standard error; p: two-sided paired t-test over clips, not "
    "corrected for the number of comparisons, bold below 0.05. What is chosen by the ground truth counts as no rival."
)
VERDICTS = {"lpips_alex": "LPIPS (AlexNet) better?", "we_self": "we_self better?"}
VERDICT_NOTE = "Better than every rival of equal or lower PSNR; else, which ones are as good or better."


def leads(runs: Sequence[Run], tasks: Sequence[str], methods: Sequence[str]) -> str:
    """Markdown; empty where nothing of ours was run."""
    return "\n\n".join(markdown(grid) for grid in grids(runs, tasks, methods))


def grids(runs: Sequence[Run], tasks: Sequence[str], methods: Sequence[str]) -> list[Grid]:
    """For each part that has something of ours: the leads, and what they cost where that was measured."""
    shown = [run for run in runs if run["method"] in methods and run["task"] in tasks]
    found = (grid for part in parts(shown) for grid in _grids(part, tasks, methods))
    return [grid for grid in found if grid.rows]


def _grids(part: Part, tasks: Sequence[str], methods: Sequence[str]) -> list[Grid]:
    ours = {run["method"] for run in part.runs if run["family"] == "ours"}
    rows, verdicts, left_out = [], [], []
    for task in tasks:
        everyone = {run["clip"] for run in part.runs if run["task"] == task}
        for name in methods:
            clips = values(part.runs, task, name, "psnr").keys()
            if name in ours and clips:
                same = [run for run in part.runs if run["task"] == task and run["clip"] in clips]
                rows.append(_row(same, task, name, len(clips) if clips != everyone else None))
                found = [_verdict(same, task, name, figure) for figure in VERDICTS]
                if found != [EMPTY] * len(found):
                    verdicts.append(Row([Cell(task), Cell(name), *found]))
        left_out += _incomplete(part, task, len(everyone))
    more = [f"Left out, since clips are missing: {', '.join(left_out)}."] if left_out and rows else []
    return [
        Grid(f"Ours less the best rival: {part.title}", COLUMNS, rows, [NOTE, *more], labels=2),
        Grid(
            f"What the leads cost: {part.title}", ["task", "ours", *VERDICTS.values()], verdicts, [VERDICT_NOTE], labels=2,
            sentences=2,
        ),
    ]  # fmt: skip


def _incomplete(part: Part, task: str, clips: int) -> list[str]:
    counts = {name: len(values(part.runs, task, name, "psnr")) for name in rivals(part.runs, task)}
    return [f"{name} on {task} ({count} of {clips})" for name, count in counts.items() if count < clips]


def _row(runs: Sequence[Run], task: str, ours: str, clips: int | None) -> Row:
    mine = values(runs, task, ours, "psnr")
    average, error = mean_and_error(list(mine.values()))
    cells = [Cell(task), Cell(ours), _mean(average, error, "" if clips is None else f"(n={clips})")]
    for learned in (None, False):
        rival = best_rival(runs, task, "psnr", learned)
        if rival is None:
            cells += [EMPTY] * 3
            continue
        theirs = values(runs, task, rival, "psnr")
        found = paired(mine, theirs)
        cells += [
            Cell(f"{rival} {FIGURES['psnr'].show(mean_and_error(list(theirs.values()))[0])}"),
            Cell(
                f"{found.difference:+.2f}",
                "" if found.error is None else f"{found.error:.2f}",
                best=found.p is not None and found.p < 0.05,
            ),
            EMPTY if found.p is None else Cell(f"{found.p:.3f}" if found.p >= 0.001 else "<0.001"),
        ]
    return Row(cells)


def _mean(average: float, error: float | None, note: str) -> Cell:
    show = FIGURES["psnr"].show
    return Cell(show(average), "" if error is None else show(error), note)


def _verdict(runs: Sequence[Run], task: str, ours: str, figure: str) -> Cell:
    found = verdict(runs, task, ours, figure)
    if found is None or not (found.passed or found.broken_by):
        return EMPTY
    show = FIGURES[figure].show
    average, _ = mean_and_error(list(values(runs, task, ours, figure).values()))
    unknown = f"not measured: {', '.join(found.unknown)}" if found.unknown else ""
    if not found.broken_by:
        return Cell("yes", note=f"({unknown})" if unknown else "")
    others = [f"{name} {show(number)}" for name, number in sorted(found.broken_by.items(), key=lambda item: item[1])]
    return Cell(f"no, {show(average)}:", note=", ".join([*others, *([unknown] if unknown else [])]))
