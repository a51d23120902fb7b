"""Restorations of a small file, with the fields of all that is asked for side by side."""

import os
import signal
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from tests.moving_clip import moving_clip
from torch import Tensor

from oneseed.clip.clip import Clip
from oneseed.clip.encoding import Encoding
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.crew.choose import Crew
from oneseed.presets import preset
from oneseed.restore_file import restore_file
from oneseed.restored import Restored
from oneseed.sizing import Cutting
from oneseed.task import Task

DRAFT = preset("draft").but({"first_steps": 10, "rounds": 1, "round_steps": 5})
FROM_NOISE = preset("paper").but({"epochs": 6, "warp_from": 2})
TWO_WINDOWS = {"window": "6", "overlap": 2}
SPECS = ("mask:missing=0.5",)


def measured(folder: Path) -> Path:
    """A clip of 10 frames of 32x32 or so."""
    x = moving_clip(5)
    write(
        folder / "measured.mkv",
        Clip.steady(torch.cat([x, x.flip(0)]), 25, bits=16),
        encoding=Encoding(lossless=True),
        bits=16,
    )
    return folder / "measured.mkv"


def restored(source: Path, name: str = "out.mkv", **others: Any) -> tuple[Tensor, Restored]:
    target, asked = source.with_name(name), TWO_WINDOWS | {"recipe": DRAFT, "specs": SPECS} | others
    task, cutting = (
        kind(**first, **{field.name: asked.pop(field.name) for field in fields(kind) if field.name in asked})
        for kind, first in ((Task, {"source": source}), (Cutting, {}))
    )
    done = restore_file(task, target, cutting=cutting, encoding=Encoding(lossless=True), **asked)
    return read(target).frames, done


def restored_while_one_is_killed(source: Path, crew: Crew) -> tuple[Tensor, Restored, Tensor, Restored]:
    """By `crew`, whose first worker at work is killed with -9, and before that by one process. Its file is `out.mkv`, the
    other `expected.mkv`."""
    killed: list[int] = []
    asked = {"recipe": FROM_NOISE.but({"epochs": 24, "warp_from": 20, "steps": 1}), "warm_start": False}
    expected, done = restored(source, "expected.mkv", **asked)

    def kill(count: int, told: Any) -> None:
        if told and not killed:
            killed.append(told[0]["process"])
            os.kill(killed[0], signal.SIGKILL)

    found, other = restored(source, crew=crew, heard=kill, **asked)
    assert killed
    assert killed[0] != os.getpid()
    return found, other, expected, done
