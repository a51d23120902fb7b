"""What a report shows, in its order, before it is written in any language."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report import leads, paper, tables
from bench.report.figures import FIGURES
from bench.report.grid import Grid
from bench.results import Run


@dataclass(frozen=True)
class Section:
    title: str
    grids: list[Grid]


def measured(runs: Sequence[Run], tasks: Sequence[str], methods: Sequence[str]) -> list[Section]:
    """Leads, then every figure that somebody has."""
    found = [Section("Ours against the best rival", leads.grids(runs, tasks, methods))]
    found += [Section(figure.heading, tables.grids(runs, name, tasks, methods)) for name, figure in FIGURES.items()]
    return [section for section in found if section.grids]


def printed(runs: Sequence[Run], tasks: Sequence[str], methods: Sequence[str]) -> list[Section]:
    """The paper's own numbers."""
    shown = [run for run in runs if run["task"] in tasks]
    return [
        Section("What the paper reports (not comparable)", paper.beside(shown, methods)),
        Section("The paper's ablations (not comparable)", paper.ablations()),
    ]
