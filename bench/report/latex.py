"""A grid in LaTeX, with the rules of booktabs, no wider than the page."""

from bench.report.grid import Cell, Grid

NEEDS = r"% \usepackage{booktabs,graphicx}"
_KINDS = {"label": "l", "number": "r", "sentence": r"p{0.38\linewidth}"}
_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "±": r"$\pm$", "×": r"$\times$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "–": "--",
    "…": r"\dots{}", "−": "$-$",
}  # fmt: skip


def escape(text: str) -> str:
    """Every character that LaTeX reads otherwise, in one pass."""
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def latex(grid: Grid) -> str:
    lines = [
        r"\begin{table*}", r"\centering\footnotesize", rf"\caption{{{escape(grid.title)}}}",
        r"\resizebox{\ifdim\width>\linewidth \linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{''.join(_KINDS[grid.kind_of(k)] for k in range(len(grid.columns)))}}}", r"\toprule",
        _line([escape(name) for name in grid.columns]), r"\midrule",
    ]  # fmt: skip
    for before, row in zip([None, *grid.rows], grid.rows, strict=False):
        if before is not None and (before.kind == "ours") != (row.kind == "ours"):
            lines.append(r"\midrule")
        lines.append(_line([_cell(cell) for cell in row.cells]))
    lines += [r"\bottomrule", r"\end{tabular}}", *(rf"\par {escape(note)}" for note in grid.notes), r"\end{table*}"]
    return "\n".join(lines)


def _line(words: list[str]) -> str:
    return " & ".join(words) + r" \\"


def _cell(cell: Cell) -> str:
    text = f"{cell.text} ± {cell.error}" if cell.error else cell.text
    shown = escape(text)
    shown = rf"\textbf{{{shown}}}" if cell.best else shown
    return f"{shown} {escape(cell.note)}".rstrip()
