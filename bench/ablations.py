"""`python -m bench.ablations FOLDER`: what each part is worth, the paper's Tables 1, 7 and 8 and one for what we added."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.__main__ import run_all
from bench.clips import choose, clips
from bench.report.figures import FIGURES
from bench.results import load, mean_and_error, values
from bench.run import PROTOCOLS, Job, Protocol
from oneseed.errors import RequestError

SHOWN = ("psnr", "ssim", "lpips_alex", "we_self", "seconds")


@dataclass(frozen=True)
class Ablation:
    title: str
    task: str
    rows: dict[str, str]
    """What a row is called, and the method that it is."""


PAPER = "paper:epochs=200,warp_from=100"
"""Algorithm 1 from noise as the paper has it, shortened to what two cores can do."""
# Eq 5, a seed for each frame: residuals in the seed, of full rank for 256x256 with eight times smaller latents, in no ball.
BASE = f"{PAPER},joint=seed,rank=32,radius=inf,lr_residual=0.01"
SHARED = f"{PAPER},lr_residual=0.01,radius=0.1"
"""One seed, and residuals as Table 8 has them best here: with the paper's own, 200 epochs lead nowhere near."""

ABLATIONS = {
    "table1": Ablation(
        "Table 1: steps of the reverse process",
        "downsample",
        {f"{steps} steps": f"{PAPER},steps={steps}" for steps in (2, 4, 10)},
    ),
    "table7": Ablation(
        "Table 7: noise prior and warping",
        "downsample",
        {
            "base (a seed for each frame)": f"{BASE},warp_weight=0",
            "base with noise prior": f"{SHARED},warp_weight=0",
            "base with warping": BASE,
            "base with both": SHARED,
        },
    ),
    "table8": Ablation(
        "Table 8: learning rate of the residuals and radius of their ball",
        "downsample",
        {
            f"LR_r {rate}, radius {radius}": f"{PAPER},lr_residual={rate},radius={radius}"
            for rate in ("0.01", "0.001", "0.0001")
            for radius in ("0.1", "1.0", "10.0")
        },
    ),
    "ours": Ablation(
        "What we added, one thing left out at a time",
        "mask",
        {
            "balanced": "balanced",
            "cubic interpolation -> linear": "balanced:interpolation=linear",
            "motion over two frames -> one": "balanced:reach=1",
            "features that follow the motion": "balanced:follow_motion=false",
            "fitting the chain to the start": "balanced:fit_epochs=0",
            "warping loss": "balanced:warp_weight=0",
            "measurements held out": "balanced:hold_out=0,patience=0",
            "strengths of the finish chosen": "balanced:finish_spread=1",
            "colours that change together": "balanced:finish_colour=1",
            "the finish": "balanced:finish_rounds=0",
            "the denoiser": "balanced:denoise_rounds=0",
            "the steps onto the measurements": "balanced:exact_steps=0",
            "the start (from noise)": "balanced:start=noise,follow_motion=false",
            "the chain": "balanced:epochs=0",
        },
    ),
}


def main(
    data: Annotated[Path, typer.Argument(help="Clips, as for `python -m bench`.")],
    output: Annotated[Path, typer.Option(help="Folder of the runs; what is there is not done again.")] = Path(
        "runs/ablations"
    ),
    tables: Annotated[str, typer.Option(help=f"Separated by blanks, of {', '.join(ABLATIONS)}.")] = " ".join(ABLATIONS),
    task: Annotated[str | None, typer.Option(help="Another task than the table's own.")] = None,
    only: Annotated[str, typer.Option("--clips", help="Names of clips, separated by blanks; all if empty.")] = "",
    frames: str = PROTOCOLS["small"][0],
    size: str = PROTOCOLS["small"][1],
    lpips: str = "none",
    jobs: Annotated[int, typer.Option(help="Runs at the same time.")] = 1,
    threads: Annotated[int, typer.Option(help="Threads of each run.")] = 2,
) -> None:
    """Each row is a method that `python -m bench --methods` takes as well."""
    try:
        if unknown := [name for name in tables.split() if name not in ABLATIONS]:
            raise ValueError(f"no ablation {unknown[0]!r}; there are {', '.join(ABLATIONS)}")
        sources = choose(clips(data), only)
    except (ValueError, RequestError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    protocol = Protocol(frames, size, lpips, threads=threads)  # type: ignore[arg-type]
    for name in tables.split():
        ablation = ABLATIONS[name]
        what = task or ablation.task
        queue = [Job(clip, what, method) for method in ablation.rows.values() for clip in sources]
        runs = load(run_all(queue, protocol, output, jobs))
        typer.echo(
            f"\n{ablation.title} ({what}, {frames} at {size}, {len(sources)} clips)\n\n{_table(ablation, what, runs)}"
        )


def _table(ablation: Ablation, task: str, runs: list[dict]) -> str:
    heads = [FIGURES[figure].heading for figure in SHOWN]
    lines = ["| | " + " | ".join(heads) + " |", "| --- " * (len(heads) + 1) + "|"]
    for label, method in ablation.rows.items():
        cells = []
        for figure in SHOWN:
            found = list(values(runs, task, method, figure).values())
            cells.append(FIGURES[figure].show(mean_and_error(found)[0]) if found else "")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
