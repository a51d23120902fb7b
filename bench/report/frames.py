"""The middle frames beside which restored ones are looked at: the clean one, and what was measured of it."""

from collections.abc import Mapping
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from bench.clips import Source
from bench.results import load
from bench.tasks import measure
from oneseed.clip.read import read


def clean_file(run_file: Path) -> Path:
    """`CLIP--clean.png`, beside the file of a run."""
    clip, _, _ = run_file.stem.rsplit("--", 2)
    return run_file.with_name(f"{clip}--clean.png")


def input_file(run_file: Path) -> Path:
    """`CLIP--TASK--input.png`."""
    clip, task, _ = run_file.stem.rsplit("--", 2)
    return run_file.with_name(f"{clip}--{task}--input.png")


def write_frames(run_files: list[Path], sources: Mapping[str, Source]) -> list[Path]:
    """Write both for every clip and task of these runs whose source is given, by its name."""
    references: dict[Path, Tensor] = {}
    written: set[Path] = set()
    for file in sorted(run_files):
        for run in load([file]):
            clean, given = clean_file(file), input_file(file)
            if run["clip"] not in sources or given in written:
                continue
            if clean not in references:  # files of one clip follow each other: one at a time is enough
                references = {clean: read(sources[run["clip"]].path, run["frames"], run["size"]).frames}
            reference = references[clean]
            middle = len(reference) // 2
            y = measure(reference, run["task"], run["prior"]).y
            written |= {save(reference[middle], clean), save(_enlarged(y[middle], reference[middle]), given)}
    return sorted(written)


def save(frame: Tensor, file: Path) -> Path:
    levels = frame.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    Image.fromarray(levels.cpu().numpy()).save(file)
    return file


def _enlarged(frame: Tensor, like: Tensor) -> Tensor:
    """To the size of the clean frame, by repeating pixels."""
    return torch.nn.functional.interpolate(frame[None], size=like.shape[-2:], mode="nearest")[0]
