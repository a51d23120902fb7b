"""One run: a clip, a task and a method, in a process of its own, to one JSON file."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import torch

from bench.methods import is_oracle, method
from bench.tasks import SEED, TASKS, measure
from oneseed.clip.read import read
from oneseed.device import peak_memory_mb
from oneseed.score import score


def run(clip: Path, task: str, name: str, frames: str, size: str, lpips: str, folder: Path, threads: int) -> Path:
    """Degrade, restore, score once, write; a run whose file is there already is not done again."""
    file = folder / f"{clip.name}--{task}--{name.replace(':', '-').replace(',', '-')}.json"
    if file.exists():
        return file
    torch.set_num_threads(threads)
    reference = read(clip, frames, size).frames
    given = measure(reference, TASKS[task])
    began = time.monotonic()
    x = method(name)(given)
    seconds = time.monotonic() - began
    content = {
        "clip": clip.name, "task": task, "method": name, "oracle": is_oracle(name), "noise_seed": SEED, "frames": frames,
        "size": size, "threads": threads, "seconds": seconds, "peak_memory_mb": peak_memory_mb(torch.device("cpu")),
        "torch": torch.__version__, "score": None if x is None else asdict(score(x, reference, lpips)),  # type: ignore[arg-type]
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1))
    part.replace(file)
    return file
