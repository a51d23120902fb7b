"""Quality against time: a panel for each task, a point for each method."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.report.grid import Kind
from bench.report.labels import Label, place
from bench.report.parts import Part, parts
from bench.report.tables import kind
from bench.results import Run, mean_and_error, values
from bench.rivals.base import WITHOUT_LEARNING

INK, OURS, LEARNED, SIMPLE = "#1b1b1c", "#d55e00", "#0072b2", "#7a7a7a"  # of Okabe and Ito's colours but for the greys
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none",
    "svg.hashsalt": "bench", "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK,
    "ytick.color": INK,
}  # fmt: skip
SHAPES = {"ours": ("o", OURS, 70), "learned": ("s", LEARNED, 36), "simple": ("D", SIMPLE, 30)}


def quality_against_time(runs: Sequence[Run], tasks: Sequence[str], methods: Sequence[str]) -> list[tuple[str, Figure]]:
    """A title and a figure for each part: one protocol, one machine."""
    shown = [run for run in runs if run["method"] in methods and run["task"] in tasks]
    return [(f"Quality against time: {part.title}", _figure(part, tasks, methods)) for part in parts(shown, timed=True)]


def svg(figure: Figure) -> str:
    """The same bytes each time."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()


def save(figure: Figure, stem: Path) -> str:
    """As .svg, and as .png on white; gives the SVG back."""
    drawn = svg(figure)
    stem.with_suffix(".svg").write_text(drawn)
    figure.savefig(stem.with_suffix(".png"), dpi=150, facecolor="white")
    return drawn


def _figure(part: Part, tasks: Sequence[str], methods: Sequence[str]) -> Figure:
    there = [task for task in tasks if any(run["task"] == task for run in part.runs)]
    across = min(len(there), 2)
    down = -(-len(there) // across)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6 * across, 4.2 * down), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).flatten().tolist()
        drawn: set[str] = set()
        names = [_panel(axes, part, task, methods, drawn) for axes, task in zip(panels, there, strict=False)]
        for axes in panels[len(there) :]:
            axes.set_axis_off()
        _legend(figure, drawn)
        figure.draw_without_rendering()
        for axes, labels in zip(panels, names, strict=False):
            place(axes, labels, size=8)
        figure.set_layout_engine("none")  # it fits, and would be measured again at each drawing
    return figure


def _panel(axes: Axes, part: Part, task: str, methods: Sequence[str], drawn: set[str]) -> list[Label]:
    """Points, and the labels to be placed when all sizes are known; what kinds there are is added to `drawn`."""
    of = {run["method"]: run for run in part.runs if run["task"] == task}
    labels = []
    clips = max(len(values(part.runs, task, name, "psnr")) for name in of)
    for name in methods:
        if name not in of or not (psnr := values(part.runs, task, name, "psnr")):
            continue
        group, its_kind = _group(of[name]), kind(of[name])
        shape, colour, area = SHAPES[group]
        drawn.add("by truth" if its_kind == "by truth" else group)
        x = mean_and_error(list(values(part.runs, task, name, "seconds").values()))[0]
        y = mean_and_error(list(psnr.values()))[0]
        face = "none" if its_kind == "by truth" else colour
        axes.scatter(x, y, s=area, marker=shape, facecolors=face, edgecolors=colour, linewidths=1.3, zorder=3)
        missing = "" if len(psnr) == clips else f" (n={len(psnr)})"
        labels.append(Label(x, y, name + missing, "bold" if group == "ours" else "normal", _text(group, its_kind)))
    axes.set_title(task, weight="bold")
    axes.set(xscale="log", xlabel="seconds per clip", ylabel="PSNR (dB)")
    axes.margins(0.18, 0.12)
    axes.grid(color="#888888", alpha=0.2, linewidth=0.6)
    return labels


def _group(run: Run) -> str:
    return "ours" if run["family"] == "ours" else "simple" if run["family"] in WITHOUT_LEARNING else "learned"


def _text(group: str, its_kind: Kind) -> str:
    return OURS if group == "ours" else SIMPLE if its_kind == "by truth" else INK


def _legend(figure: Figure, drawn: set[str]) -> None:
    words = {"ours": "ours", "learned": "rivals with something learned", "simple": "rivals without learning"}
    marks = [_mark(group, text, True) for group, text in words.items() if group in drawn]
    if "by truth" in drawn:
        marks.append(_mark("simple", "hollow: chosen by the truth", False))
    figure.legend(handles=marks, loc="outside upper center", ncols=4, frameon=False)


def _mark(group: str, text: str, filled: bool) -> Line2D:
    shape, colour, area = SHAPES[group]
    face = colour if filled else "none"
    return Line2D(
        [], [], linestyle="", marker=shape, markersize=area**0.5, color=colour, markerfacecolor=face, label=text
    )
