"""Names beside the points of a plot, none over another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

GAP, RINGS, ANGLES = 7, 9, 24  # points; how far, and how densely, places are tried
FIRST = 6.5  # points between a mark and the nearest place of its name
LINE = {"arrowstyle": "-", "color": "#999999", "lw": 0.6, "shrinkA": 1, "shrinkB": 3}


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str
    weight: str
    colour: str


def place(axes: Axes, labels: Sequence[Label], size: float) -> None:
    """Each in the nearest free place around its point, with a thin line to it where that is not beside it."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    renderer = FigureCanvasAgg(figure).get_renderer()
    scale = figure.dpi / 72
    frame = axes.get_window_extent(renderer)
    points = [tuple(axes.transData.transform((label.x, label.y))) for label in labels]
    taken = [Bbox.from_bounds(x - 4 * scale, y - 4 * scale, 8 * scale, 8 * scale) for x, y in points]
    order = sorted(range(len(labels)), key=lambda i: (labels[i].weight != "bold", points[i][1]))
    for i in order:
        label, (x, y) = labels[i], points[i]
        text = axes.annotate(label.text, (label.x, label.y), size=size, weight=label.weight, color=label.colour,
                             xytext=(0, 0), textcoords="offset points", va="center")  # fmt: skip
        box = text.get_window_extent(renderer)
        dx, dy, far = _free(x, y, box.width, box.height, scale, frame, taken)
        text.set_position(((dx - box.width / 2) / scale, dy / scale))
        taken.append(_box(x + dx, y + dy, box.width, box.height))
        if far:
            edge = (
                dx + max(-box.width / 2, min(box.width / 2, -dx)),
                dy + max(-box.height / 2, min(box.height / 2, -dy)),
            )
            axes.annotate("", (label.x, label.y), xytext=(edge[0] / scale, edge[1] / scale), zorder=1,
                          textcoords="offset points", arrowprops=LINE)  # fmt: skip


def _free(
    x: float, y: float, width: float, height: float, scale: float, frame: Bbox, taken: Sequence[Bbox]
) -> tuple[float, float, bool]:
    """Offset of the centre of the text from its point, in pixels, and whether a line is needed."""
    nearest = 0.0, 0.0, False
    for ring in range(RINGS):
        distance = (FIRST + ring * GAP) * scale
        for turn in range(ANGLES):
            angle = 2 * math.pi * turn / ANGLES
            dx = math.cos(angle) * (distance + width / 2)
            dy = math.sin(angle) * (distance + height / 2)
            box = _box(x + dx, y + dy, width, height)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if ring == turn == 0:
                nearest = dx, dy, False
            if inside and not any(box.overlaps(other) for other in taken):
                return dx, dy, ring > 1
    return nearest


def _box(x: float, y: float, width: float, height: float) -> Bbox:
    return Bbox.from_bounds(x - width / 2, y - height / 2, width, height)
