"""`python -m bench.long CLIP`: what pieces cost: joins, seams, memory as a clip grows, and what `kill -9` repeats.

All runs are those of the command line, in processes of their own.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import torch
import typer

from oneseed.clip.clip import Clip
from oneseed.clip.encoding import Encoding
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.degrade.mask import Mask
from oneseed.flow.dis import Dis
from oneseed.metrics.psnr import psnr
from oneseed.metrics.warping_error import WarpingError
from oneseed.pieces import spans
from oneseed.shapes import Frames

WINDOW, OVERLAP, TILE, TILE_OVERLAP = 16, 4, 144, 32
SPEC = "mask:missing=0.5"
SEARCH = (
    "--preset", "balanced", "--set", "first_steps=5", "--set", "rounds=0", "--set", "finish_rounds=1",
    "--set", "finish_steps=2", "--set", "denoise_rounds=0", "--set", "exact_steps=0", "--set", "patience=0",
)  # fmt: skip
"""Epochs, and next to nothing else: what is killed is killed among them."""
CHILD = """
import sys
from oneseed import cli, progress
path, show = sys.argv.pop(1), progress.Live.show
def noted(self, epoch, piece):
    with open(path, "a") as log:
        log.write(f"{piece.name} {epoch.phase} {epoch.number}\\n")
    show(self, epoch, piece)
progress.Live.show = noted
cli.main()
"""


def main(
    clip: Annotated[Path, typer.Argument(help="A clip of 60 frames or so, as for `oneseed restore`.")],
    output: Annotated[Path | None, typer.Option("--json", help="File for the figures.")] = None,
    size: str = "256",
    preset: str = "draft",
    kills: int = 10,
    overlap: Annotated[int, typer.Option(help="Frames in common of the windows whose joins are looked at.")] = OVERLAP,
) -> None:
    """Each figure beside what was wanted."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = read(clip, None, size).frames
        source = measured(folder / "measured.mkv", reference)
        figures |= joins(folder, source, reference, preset, overlap)
        figures |= seams(folder, source, reference, preset)
        figures |= memory(folder, reference)
        figures |= killed(folder, measured(folder / "short.mkv", read(clip, "0:40", "128").frames), kills)
    for name, value in figures.items():
        typer.echo(f"{name}: {value:.4g}")
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(figures, indent=1))


def joins(folder: Path, source: Path, reference: Frames, preset: str, overlap: int) -> dict[str, float]:
    """Windows against one: PSNR, and how much less frames agree with the next where windows meet (wanted: 0.2 dB, 1.15)."""
    several = _restored(
        folder, source, "--preset", preset, "--window", str(WINDOW), "--overlap", str(overlap), "--tile", "all"
    )
    one = _restored(folder, source, "--preset", preset, "--window", "all", "--tile", "all")
    found = spans(len(reference), WINDOW, overlap)
    shared = {frame for early, late in pairwise(found) for frame in range(late[0] - 1, early[1])}
    join = torch.tensor([frame in shared for frame in range(len(reference) - 1)])
    ratios = []
    for video in (several, one):
        error = WarpingError(Dis().estimate)(video, video)
        ratios.append((error[join].nanmean() / error[~join].nanmean()).item())
    better = (psnr(several, reference) - psnr(one, reference)).mean().item()
    return {"psnr_windows_less_one": better, "join_ratio": ratios[0], "join_ratio_of_one_window": ratios[1]}


def seams(folder: Path, source: Path, reference: Frames, preset: str) -> dict[str, float]:
    """The error of gradients at the borders of tiles, over that elsewhere (wanted: 1.1)."""
    video = _restored(
        folder, source, "--preset", preset, "--window", "all", "--tile", str(TILE), "--tile-overlap", str(TILE_OVERLAP)
    )
    slope = torch.diff(video - reference, dim=3).square().mean((0, 1, 2)).sqrt()
    found = spans(reference.shape[3], TILE, TILE_OVERLAP, 8)
    near = {place + by for early, late in pairwise(found) for place in (late[0], early[1]) for by in (-2, -1, 0, 1)}
    seam = torch.tensor([column in near for column in range(len(slope))])
    return {"seam_ratio": (slope[seam].mean() / slope[~seam].mean()).item()}


def memory(folder: Path, reference: Frames) -> dict[str, float]:
    """Peaks of 20 and of 120 frames (wanted: within 5 %)."""
    source, peaks = measured(folder / "measured120.mkv", there_and_back(reference, 120)), []
    for count in (20, 120):
        told = folder / f"{count}.json"
        _restored(
            folder, source, "--preset", "draft", "--set", "first_steps=10", "--set", "rounds=1", "--frames", f"0:{count}",
            "--json", str(told),
        )  # fmt: skip
        peaks.append(json.loads(told.read_text())["peak_memory_mb"])
    return {"peak_mb_20": peaks[0], "peak_mb_120": peaks[1], "peak_ratio": peaks[1] / peaks[0]}


def killed(folder: Path, source: Path, kills: int) -> dict[str, float]:
    """`kill -9` at random moments of one run (wanted: the same bytes, 5 % of the epochs twice)."""
    log, whole, target = folder / "whole.log", folder / "whole.mkv", folder / "killed.mkv"
    began = time.monotonic()
    subprocess.run(_command(log, source, whole), check=True, capture_output=True)
    length, epochs = time.monotonic() - began, len(log.read_text().splitlines())
    log, moments = folder / "killed.log", random.Random(0)
    for _ in range(kills):
        running = subprocess.Popen(_command(log, source, target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(_START + moments.uniform(0, 2 / kills) * length)
        running.kill()
        if running.wait() == 0:
            raise SystemExit(f"the run of {length:.0f} s ended before {kills} kills; give fewer")
    subprocess.run(_command(log, source, target), check=True, capture_output=True)
    shown = [line for line in log.read_text().splitlines() if " start " not in line]
    again = len(shown) - len(set(shown))
    return {
        "same_bytes": float(target.read_bytes() == whole.read_bytes()), "epochs_twice": again / epochs, "epochs": epochs,
        "kills": kills,
    }  # fmt: skip


_START = 4.0
"""Seconds that a process takes until its first epoch."""


def there_and_back(reference: Frames, count: int) -> Frames:
    """A clip of `count` frames, however few there are."""
    return torch.cat([reference, reference.flip(0)] * -(-count // (2 * len(reference))))[:count]


def measured(path: Path, reference: Frames) -> Path:
    """Half of the pixels, exactly, as a file."""
    write(path, Clip.steady(Mask(missing=0.5)(reference), 25, bits=16), encoding=Encoding(lossless=True), bits=16)
    return path


def _restored(folder: Path, source: Path, *options: str) -> Frames:
    target = folder / "restored.mkv"
    command = _restoring(source, target, "--overwrite", *options)
    subprocess.run(
        [sys.executable, "-m", "oneseed.cli", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return read(target).frames


def _command(log: Path, source: Path, target: Path) -> list[str]:
    window = ("--window", str(WINDOW), "--overlap", str(OVERLAP))
    return [sys.executable, "-c", CHILD, str(log), *_restoring(source, target, *window, *SEARCH)]


def _restoring(source: Path, target: Path, *options: str) -> list[str]:
    return ["restore", str(source), str(target), "-d", SPEC, "--lossless", *options]


if __name__ == "__main__":
    typer.run(main)
