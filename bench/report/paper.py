"""What the paper reports, as it reports it, for looking at beside ours: other clips, sizes and runs, so nothing to compare."""

from collections.abc import Sequence

from bench.report.figures import FIGURES
from bench.report.grid import EMPTY, Cell, Grid, Row
from bench.report.order import methods_of
from bench.report.paper_numbers import ABLATIONS, COMPARISONS, Printed
from bench.report.parts import parts
from bench.results import Run, mean_and_error, values

SOURCE = "paper, DAVIS, 512x512, its own runs"
FIGURES_SHOWN = ("psnr", "ssim", "lpips_alex", "we_self")
NOTES = [
    "Not comparable: the paper's clips, frames and metrics are not known in full. Its LPIPS network is not named, its "
    "warping error (×100 as here) not defined.",
]


def beside(runs: Sequence[Run], methods: Sequence[str]) -> list[Grid]:
    """The paper's Tables 2 to 6, ours of the same problem below, if any was run."""
    ours = [run for run in runs if run["family"] == "ours" and run["method"] in methods]
    return [_grid(printed, _theirs(printed) + _ours(printed, ours)) for printed in COMPARISONS]


def ablations() -> list[Grid]:
    """Tables 1, 7 and 8."""
    return [_grid(printed, _theirs(printed)) for printed in ABLATIONS]


def _grid(printed: Printed, rows: list[Row]) -> Grid:
    heads = [FIGURES[name].heading for name in FIGURES_SHOWN]
    return Grid(
        f"The paper's Table {printed.number}: {printed.title}", ["method", "from", *heads], rows, NOTES, labels=2
    )


def _theirs(printed: Printed) -> list[Row]:
    found = []
    for name, one in printed.rows.items():
        learned = " (supervised)" if name in printed.supervised else ""
        cells = [
            EMPTY if number is None else Cell(_printed(number)) for number in (one.psnr, one.ssim, one.lpips, one.we)
        ]
        shown = "the paper's method" if name == "Ours" else f"{name}{learned}"
        found.append(Row([Cell(shown), Cell(SOURCE), *cells], "theirs"))
    return found


def _ours(printed: Printed, runs: Sequence[Run]) -> list[Row]:
    here = [run for run in runs if run["task"].partition("+")[0] == printed.problem]
    found = []
    for part in parts(here):
        for task in sorted({run["task"] for run in part.runs}):
            for name in methods_of([run for run in part.runs if run["task"] == task]):
                numbers = {figure: list(values(part.runs, task, name, figure).values()) for figure in FIGURES_SHOWN}
                cells = [_cell(figure, measured) for figure, measured in numbers.items()]
                found.append(Row([Cell(f"{name}, {task}"), Cell(f"here, {part.title}"), *cells], "ours"))
    return found


def _cell(figure: str, numbers: Sequence[float]) -> Cell:
    if not numbers:
        return EMPTY
    average, error = mean_and_error(numbers)
    show = FIGURES[figure].show
    return Cell(show(average), "" if error is None else show(error))


def _printed(number: float) -> str:
    """With all the digits that it has, and at least two, or three below 10, behind the point."""
    whole, _, fraction = repr(number).partition(".")
    return f"{whole}.{fraction.ljust(2 if number >= 10 else 3, '0')}"
