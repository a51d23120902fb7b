"""`python -m bench.report RUNS...`: runs as tables, LaTeX, plots and a page."""

from pathlib import Path
from typing import Annotated

import typer

from bench.clips import clips
from bench.report import collect, frames, gallery
from bench.report.latex import NEEDS, latex
from bench.report.markdown import markdown
from bench.report.order import methods_of, tasks_of
from bench.report.protocol import protocol
from bench.report.sections import Section, measured, printed
from bench.results import Run, load


def main(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or collections (.jsonl).")],
    output: Annotated[Path | None, typer.Option(help="Folder for tables.md, tables.tex, page.html and plots.")] = None,
    tasks: Annotated[str, typer.Option(help="Tasks, separated by blanks; all if empty.")] = "",
    methods: Annotated[str, typer.Option(help="Methods, separated by blanks; all if empty.")] = "",
    data: Annotated[
        Path | None, typer.Option(help="The clips, for showing inputs and clean frames on the page.")
    ] = None,
    only: Annotated[
        str,
        typer.Option(
            "--clips", help="Clips whose frames the page shows; one not seen in tuning and one seen if empty."
        ),
    ] = "",
    embed: Annotated[bool, typer.Option(help="Frames inside the page, or links to them.")] = True,
    collection: Annotated[Path | None, typer.Option("--collect", help="A .jsonl that all these runs go to.")] = None,
) -> None:
    """Tables to the screen, those of ours beside the best rival first."""
    try:
        files = _files(runs)
        found = load(files)
        wanted_tasks = _chosen("task", tasks, tasks_of(found))
        wanted = _chosen("method", methods, methods_of(found))
        _chosen("clip", only, sorted({run["clip"] for run in found}))
        sources = {source.name: source for source in clips(data)} if data else {}
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if collection:
        collect.collect(found, collection)
        typer.echo(f"{len(found)} runs in {collection}", err=True)
    sections = measured(found, wanted_tasks, wanted)
    typer.echo(_markdown(sections))
    if output:
        frames.write_frames(_single(files), sources)
        everything = [*sections, *printed(found, wanted_tasks, wanted)]
        shown = [run for run in found if run["task"] in wanted_tasks and run["method"] in wanted]
        galleries = gallery.galleries(_single(files), only.split(), wanted_tasks, wanted)
        _write(output, shown, everything, galleries, embed)
        typer.echo(f"tables.md, tables.tex, page.html and plots in {output}", err=True)


def _files(places: list[Path]) -> list[Path]:
    files = []
    for place in places:
        if not place.exists():
            raise ValueError(f"{place} is not there; needed is a folder of runs or a .jsonl. Name another.")
        files += sorted(place.glob("*.json")) if place.is_dir() else [place]
    if not files:
        raise ValueError(f"no runs in {', '.join(map(str, places))}; `python -m bench` makes them.")
    return files


def _chosen(what: str, names: str, there: list[str]) -> list[str]:
    """Those named, in that order; all if none is."""
    for name in names.split():
        if name not in there:
            raise ValueError(f"no run of {what} {name!r}; there are {', '.join(there)}")
    return names.split() or there


def _markdown(sections: list[Section]) -> str:
    return "\n\n".join("\n\n".join([f"## {section.title}", *map(markdown, section.grids)]) for section in sections)


def _single(files: list[Path]) -> list[Path]:
    """Only these may have pictures beside them."""
    return [file for file in files if file.suffix == ".json"]


def _write(
    output: Path, runs: list[Run], sections: list[Section], galleries: list[gallery.Gallery], embed: bool
) -> None:
    from bench.report import page, plots

    output.mkdir(parents=True, exist_ok=True)
    setting = protocol(runs)
    words = "\n".join(f"- {name}: {text}" for name, text in setting.items())
    (output / "tables.md").write_text(f"{words}\n\n{_markdown(sections)}\n")
    grids = [grid for section in sections for grid in section.grids]
    (output / "tables.tex").write_text("\n\n".join([NEEDS, *map(latex, grids)]) + "\n")
    figures = plots.quality_against_time(runs, tasks_of(runs), methods_of(runs))
    drawn = [
        (title, plots.save(figure, output / f"quality-against-time-{number}"))
        for number, (title, figure) in enumerate(figures, start=1)
    ]
    (output / "page.html").write_text(page.page(setting, sections, drawn, galleries, output, embed))


if __name__ == "__main__":
    typer.run(main)
