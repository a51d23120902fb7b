"""A grid in Markdown."""

from bench.report.grid import Cell, Grid


def markdown(grid: Grid) -> str:
    lines = [f"**{grid.title}**", "", _line(grid.columns)]
    lines.append(_line(["---:" if grid.kind_of(k) == "number" else "---" for k in range(len(grid.columns))]))
    lines += [_line([_cell(cell) for cell in row.cells]) for row in grid.rows]
    return "\n".join([*lines, *(f"\n{note}" for note in grid.notes)])


def _line(words: list[str]) -> str:
    return "| " + " | ".join(word.replace("|", r"\|") for word in words) + " |"


def _cell(cell: Cell) -> str:
    text = f"{cell.text} ± {cell.error}" if cell.error else cell.text
    text = f"**{text}**" if cell.best else text
    return f"{text} {cell.note}".rstrip()
