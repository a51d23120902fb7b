"""One run: a clip, a task and a method, in a process of its own, to one JSON file and a picture of the middle frame."""

import json
import os
import platform
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image

from bench import methods
from bench.clips import Source
from bench.tasks import SEED, measure
from oneseed.clip.read import read
from oneseed.device import choose_device, peak_memory_mb
from oneseed.score import Score, score

PACKAGES = ("oneseed", "torch", "diffusers", "numpy", "opencv-python-headless")
Lpips = Literal["alex", "vgg", "both", "none"]


@dataclass(frozen=True)
class Protocol:
    """What all runs of a table share."""

    frames: str
    """START:STOP of each clip."""
    size: str
    """As for `oneseed restore --size`: the side of the centre square, or WxH."""
    lpips: Lpips = "none"
    prior: str = "tiny"
    device: str = "cpu"
    threads: int = 2


PROTOCOLS = {"small": ("0:8", "256"), "paper": ("0:16", "512")}
"""Frames and size. `paper`: 512 is the paper's; it does not say how many frames, 16 are those of its rival SVI, and no
multiple of 7, at which a circular temporal blur of width 7 cannot be undone."""


@dataclass(frozen=True)
class Job:
    clip: Source
    task: str
    method: str


def run(job: Job, protocol: Protocol, folder: Path) -> Path:
    """Degrade, restore, score once, write. What is there already, made by the same recipe, is not done again.

    A method that does not know the task leaves a file without a score.
    """
    method = methods.find(job.method)
    setting = {
        "clip": job.clip.name, "dataset": job.clip.dataset, "task": job.task, "method": job.method,
        "family": method.family, "by_truth": method.by_truth, "noise_seed": SEED, **asdict(protocol),
        "recipe": None if method.recipe is None else asdict(method.recipe),
    }  # fmt: skip
    file = folder / f"{_plain(job.clip.name)}--{job.task}--{_plain(job.method)}.json"
    if file.exists() and _same(setting, json.loads(file.read_text())):
        return file
    torch.set_num_threads(protocol.threads)
    place = choose_device(protocol.device)
    reference = read(job.clip.path, protocol.frames, protocol.size).frames.to(place)
    given = measure(reference, job.task, protocol.prior)
    began = time.monotonic()
    restored = method.run(given, reference)
    seconds = time.monotonic() - began
    folder.mkdir(parents=True, exist_ok=True)
    measured: Score | None = None
    if restored is not None:
        measured = score(restored.x, reference, protocol.lpips)  # once, of the last video
        middle = restored.x[len(restored.x) // 2].clamp(0, 1) * 255
        Image.fromarray(middle.round().byte().permute(1, 2, 0).cpu().numpy()).save(file.with_suffix(".png"))
    content = {
        **setting, "epochs": None if restored is None else restored.epochs, "seconds": seconds,
        "peak_memory_mb": peak_memory_mb(place), "versions": _versions(), "machine": machine(protocol.device),
        "score": None if measured is None else measured.as_dict(),
    }  # fmt: skip
    part = file.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1))
    part.replace(file)
    return file


def _same(setting: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether a run that is there answers the question now asked; seconds on other threads are another answer."""
    return all(there.get(name) == value for name, value in setting.items())


def _plain(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._@=-]", "-", name)


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def machine(device: str) -> str:
    """Processor or card, and how many cores."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(device))
    name = platform.processor() or platform.machine()
    if sys.platform == "linux":
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        name = found.group(1) if found else name
    return f"{name}, {os.cpu_count()} cores"
