"""`python -m bench.scale CLIP`: what a second worker gains, and what an hour of film costs.

All runs are those of the command line, of one thread for each worker. Wanted: two workers of a Ray cluster 1.6 times as
fast as one process, one of them killed in mid-run, and the same bytes.
"""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.long import measured, there_and_back
from oneseed.clip.read import read
from oneseed.notes import notes
from oneseed.pieces import spans

FRAMES, WINDOW, OVERLAP = 100, 16, 4
WINDOWS = len(spans(FRAMES, WINDOW, OVERLAP))
WAYS = {
    "one": [],
    "two processes": ["--workers", "2"],
    "two of a cluster": ["--workers", "2", "--ray", "local"],
}


def main(
    clip: Annotated[Path, typer.Argument(help="A clip of 50 frames or more, as for `oneseed restore`.")],
    output: Annotated[Path | None, typer.Option("--json", help="File for the figures.")] = None,
    size: str = "256",
    preset: str = "draft",
) -> None:
    """Seconds of each way, and the plan on paper from the seconds of a piece."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = read(clip, None, size).frames
        source, figures = measured(folder / "measured.mkv", there_and_back(reference, FRAMES)), {}
        for way, options in WAYS.items():
            seconds, each = timed(folder, source, way, ["--preset", preset, *options], kill=False)
            figures[way] = {"seconds": seconds, "of_pieces": each}
        ray = WAYS["two of a cluster"]
        seconds, each = timed(folder, source, "one killed", ["--preset", preset, *ray], kill=True)
        figures["one killed"] = {"seconds": seconds, "of_pieces": each}
        one = (folder / "one.mkv").read_bytes()
        for way, told in figures.items():
            same = (folder / f"{way}.mkv").read_bytes() == one
            gain = figures["one"]["seconds"] / told["seconds"]
            told |= {"same_bytes": same, "gain": gain}
            typer.echo(f"{way}: {told['seconds']:.0f} s, {gain:.2f} times as fast, same bytes: {same}")
    each, (height, width) = figures["one"]["of_pieces"] / WINDOWS, reference.shape[2:]
    for workers in (1, 8, 64):
        hours, pieces = film(each, height * width, workers)
        figures[f"hour of 1080p, {workers}"] = {"hours": hours, "pieces": pieces}
        typer.echo(f"an hour of 1080p by {workers} such workers: {pieces} pieces, {hours:.0f} hours")
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(figures, indent=1))


def timed(folder: Path, source: Path, way: str, options: list[str], kill: bool) -> tuple[float, float]:
    """Seconds of the whole command, and of its pieces together; one of its workers is killed in the third piece."""
    told = folder / "told.json"
    command = [
        sys.executable, "-m", "oneseed.cli", "restore", str(source), str(folder / f"{way}.mkv"), "-d", "mask:missing=0.5",
        "--lossless", "--threads", "1", "--window", str(WINDOW), "--overlap", str(OVERLAP), "--tile", "all",
        "--cuts", "none", "--json", str(told), "--overwrite", *options,
    ]  # fmt: skip
    began = time.monotonic()
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while running.poll() is None:
        time.sleep(0.1)
        for note in notes(folder / f"{way}.mkv.oneseed") if kill else ():
            if note["piece"].startswith("00002"):
                os.kill(note["process"], signal.SIGKILL)
                kill = False
    if running.returncode:
        raise SystemExit(f"{way} ended with {running.returncode}")
    return time.monotonic() - began, json.loads(told.read_text())["seconds"]


def film(
    seconds: float, pixels: int, workers: int, *, frames: int = 3600 * 24, height: int = 1080, width: int = 1920,
    tile: int = 512, margin: int = 32, window: int = WINDOW, overlap: int = OVERLAP,
) -> tuple[float, int]:  # fmt: skip
    """Hours and pieces of a film, where a window of `pixels` takes `seconds`; as much for every pixel."""
    windows = len(spans(frames, window, overlap))
    tiles = len(spans(height, tile, margin, 8)) * len(spans(width, tile, margin, 8))
    pieces = windows * tiles
    return math.ceil(pieces / workers) * seconds * tile * tile / pixels / 3600, pieces


if __name__ == "__main__":
    typer.run(main)
