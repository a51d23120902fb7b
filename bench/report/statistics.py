"""Ours against the best rival, tested over clips."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from scipy import stats

from bench.report.figures import FIGURES
from bench.results import Run, mean_and_error, values
from bench.rivals.base import WITHOUT_LEARNING


@dataclass(frozen=True)
class Paired:
    """Differences over the same clips."""

    difference: float
    error: float | None
    """Its standard error; None for one clip."""
    p: float | None
    """Of a two-sided paired t-test; None where it is not defined: one clip, or differences that are all alike."""
    n: int


def paired(ours: dict[str, float], theirs: dict[str, float]) -> Paired:
    """Ours less theirs, over the clips of both."""
    clips = sorted(ours.keys() & theirs.keys())
    difference, error = mean_and_error([ours[clip] - theirs[clip] for clip in clips])
    if error is None or not error > 1e-12 * abs(difference):
        return Paired(difference, error, None, len(clips))
    p = stats.ttest_rel([ours[clip] for clip in clips], [theirs[clip] for clip in clips]).pvalue
    return Paired(difference, error, None if math.isnan(p) else float(p), len(clips))


def rivals(runs: Sequence[Run], task: str, learned: bool | None = None) -> list[str]:
    """Those that a user could run, by name.

    Args:
        learned: only those with, or without, something learned from data; None: all.
    """
    return sorted(
        {
            run["method"]
            for run in runs
            if run["task"] == task and run["family"] != "ours" and not run["by_truth"]
            if learned is None or learned == (run["family"] not in WITHOUT_LEARNING)
        }
    )


def best_rival(runs: Sequence[Run], task: str, figure: str, learned: bool | None = None) -> str | None:
    """The best on average of those that have all clips of the task; None where there is none."""
    clips = {run["clip"] for run in runs if run["task"] == task}
    numbers = {name: values(runs, task, name, figure) for name in rivals(runs, task, learned)}
    means = {name: mean(found.values()) for name, found in numbers.items() if found.keys() == clips}
    if not means:
        return None
    return (max if FIGURES[figure].better == "higher" else min)(means, key=lambda name: means[name])


@dataclass(frozen=True)
class Verdict:
    """Of ours beside every rival of equal or lower PSNR: a gain in PSNR is cheap where it blurs or flickers."""

    passed: int
    """How many it is better than."""
    broken_by: dict[str, float]
    """Those that are as good or better, with their figure."""
    unknown: list[str]
    """Those whose figure was not measured on all the clips."""


def verdict(runs: Sequence[Run], task: str, ours: str, figure: str) -> Verdict | None:
    """None where ours has no such figure, or nobody has equal or lower PSNR."""
    mine, level = values(runs, task, ours, figure), values(runs, task, ours, "psnr")
    below = []
    for name in rivals(runs, task):
        theirs = values(runs, task, name, "psnr")
        if theirs.keys() == level.keys() and mean(theirs.values()) <= mean(level.values()):
            below.append(name)
    if not mine or not below:
        return None
    found = {name: values(runs, task, name, figure) for name in below}
    known = {name: mean(numbers.values()) for name, numbers in found.items() if numbers.keys() == mine.keys()}
    average = mean(mine.values())
    broken = {name: number for name, number in known.items() if not FIGURES[figure].beats(average, number)}
    return Verdict(len(known) - len(broken), broken, [name for name in below if name not in known])
