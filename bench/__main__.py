"""`python -m bench FOLDER`: every method on every task and clip, then the tables."""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import typer

from bench import methods
from bench.clips import choose, clips
from bench.report.tables import FIGURES, table
from bench.results import load
from bench.run import PROTOCOLS, Job, Lpips, Protocol, run
from bench.tasks import SEED, TASKS
from oneseed.errors import RequestError

HEADLINE = "mask downsample motion-blur+noise temporal-blur+noise both+noise"


def main(
    data: Annotated[Path, typer.Argument(help="DAVIS, REDS, SPMCS or UDM10 as unpacked, or a folder of clips.")],
    output: Annotated[Path, typer.Option(help="Folder of the runs; what is there is not done again.")] = Path(
        "runs/bench"
    ),
    only: Annotated[str, typer.Option("--clips", help="Names of clips, separated by blanks; all if empty.")] = "",
    tasks: Annotated[str, typer.Option(help=f"Tasks, or `all`; known are {', '.join(TASKS)}.")] = HEADLINE,
    names: Annotated[
        str, typer.Option("--methods", help="Methods, separated by blanks; all rivals and presets if empty.")
    ] = "",
    protocol: Annotated[str, typer.Option(help="small (8 frames, 256x256) or paper (16 frames, 512x512).")] = "small",
    frames: Annotated[str | None, typer.Option(help="Other frames than the protocol's, A:B.")] = None,
    size: Annotated[str | None, typer.Option(help="Another size than the protocol's.")] = None,
    lpips: Annotated[str, typer.Option(help="alex, vgg, both or none; weights as ONESEED_WEIGHTS says.")] = "none",
    prior: Annotated[str, typer.Option(help="For all methods that need one: as `oneseed restore --prior`.")] = "tiny",
    device: str = "cpu",
    jobs: Annotated[int, typer.Option(help="Runs at the same time.")] = 1,
    threads: Annotated[int, typer.Option(help="Threads of each run.")] = 2,
) -> None:
    """Runs go to OUTPUT, one JSON file each; `python -m bench.report OUTPUT` shows them again in other forms."""
    try:
        wanted_tasks = TASKS if tasks == "all" else tasks.split()
        wanted = names.split() or methods.everything()
        setting = _protocol(protocol, frames, size, lpips, prior, device, threads)  # type: ignore[arg-type]
        sources = choose(clips(data), only)
        queue = [Job(clip, task, name) for name in wanted for task in wanted_tasks for clip in sources]
        for name in wanted:
            methods.find(name)
        if unknown := [task for task in wanted_tasks if task not in TASKS]:
            raise ValueError(f"no task {unknown[0]!r}; there are {', '.join(TASKS)}")
    except (ValueError, RequestError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{len(queue)} runs, noise drawn from seed {SEED}, masks and kernels from seed 0", err=True)
    files = run_all(queue, setting, output, jobs)
    found = load(files)
    for figure in FIGURES:
        if shown := table(found, figure, wanted_tasks, wanted):
            typer.echo(f"\n{shown}")
    if len(files) < len(queue):
        raise typer.Exit(1)


def _protocol(
    name: str, frames: str | None, size: str | None, lpips: Lpips, prior: str, device: str, threads: int
) -> Protocol:
    if name not in PROTOCOLS:
        raise ValueError(f"no protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    if lpips not in ("alex", "vgg", "both", "none"):
        raise ValueError(f"--lpips {lpips}; needed is alex, vgg, both or none")
    usual_frames, usual_size = PROTOCOLS[name]
    return Protocol(frames or usual_frames, size or usual_size, lpips, prior, device, threads)


def run_all(queue: Sequence[Job], protocol: Protocol, folder: Path, jobs: int) -> list[Path]:
    """A process for each run, so that memory is its own; one that fails is said and does not stop the rest."""
    spawn = multiprocessing.get_context("spawn")
    files = []
    with ProcessPoolExecutor(jobs, mp_context=spawn, max_tasks_per_child=1) as pool:
        runs = {pool.submit(run, job, protocol, folder): job for job in queue}
        for number, future in enumerate(as_completed(runs), start=1):
            job = runs[future]
            said = f"{number}/{len(queue)} {job.method}, {job.task}, {job.clip.name}"
            try:
                files.append(future.result())
                typer.echo(said, err=True)
            except Exception as error:
                typer.echo(f"{said}: failed, {type(error).__name__}: {error}", err=True)
    return files


if __name__ == "__main__":
    typer.run(main)
