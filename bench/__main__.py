"""`python -m bench --davis FOLDER`: every method on every task and clip, then the tables."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from bench.methods import RIVALS
from bench.run import run
from bench.table import load, table
from bench.tasks import TASKS

OURS = ["draft", "balanced", "balanced:warp_weight=0"]
CLIPS = ["camel", "dog", "parkour", "scooter-black"]


def main(
    davis: Annotated[Path, typer.Option(help="Folder with one folder of frames per clip.")],
    output: Annotated[Path, typer.Option(help="Where the JSON files go; runs found there are not done again.")],
    clips: Annotated[str, typer.Option(help="Clips, separated by blanks.")] = " ".join(CLIPS),
    tasks: Annotated[str, typer.Option(help="Tasks, separated by blanks.")] = " ".join(TASKS),
    methods: Annotated[str, typer.Option(help="Methods, separated by blanks.")] = " ".join([*RIVALS, *OURS]),
    frames: str = "0:8",
    size: str = "256",
    lpips: Annotated[str, typer.Option(help="alex, vgg, both or none.")] = "none",
    jobs: Annotated[int, typer.Option(help="Runs at the same time.")] = 1,
    threads: Annotated[int, typer.Option(help="Threads of each run.")] = 2,
) -> None:
    """Mean PSNR, SSIM, warping error, seconds and memory, per task and method."""
    wanted = [
        (davis / clip, task, name) for name in methods.split() for task in tasks.split() for clip in clips.split()
    ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, max_tasks_per_child=1) as pool:
        runs = [pool.submit(run, *one, frames, size, lpips, output, threads) for one in wanted]
        files = []
        for one, future in zip(wanted, runs, strict=True):
            files.append(future.result())
            typer.echo(f"{one[2]}, {one[1]}, {one[0].name}", err=True)
    found = load(files)
    for figure in ("psnr", "ssim", "lpips_alex", "we_self", "seconds", "peak_memory_mb"):
        typer.echo(
            f"\n{figure}, mean over {len(clips.split())} clips of {frames} at {size} (* chosen by the ground truth)\n"
        )
        typer.echo(table(found, figure, tasks.split(), methods.split()))


if __name__ == "__main__":
    typer.run(main)
