"""Runs split into what may stand in one table: one protocol, and clips seen in tuning apart from all others."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.clips import SEEN_IN_TUNING
from bench.results import Run


@dataclass(frozen=True)
class Part:
    title: str
    runs: list[Run]


def parts(runs: Sequence[Run], timed: bool = False) -> list[Part]:
    """Clips not seen come first; `timed`: runs of different machines are apart, too."""
    priors = {run["prior"] for run in runs}
    machines = {_machine(run) for run in runs}
    found: dict[tuple[bool, str], list[Run]] = {}
    for run in runs:
        words = [run["dataset"], f"frames {run['frames']}", f"size {run['size']}"]
        if len(priors) > 1:
            words.append(f"prior {run['prior']}")
        if timed and len(machines) > 1:
            words.append(_machine(run))
        found.setdefault((run["clip"] in SEEN_IN_TUNING, ", ".join(words)), []).append(run)
    return [Part(f"{_clips(runs, seen)} ({words})", runs) for (seen, words), runs in sorted(found.items(), key=_key)]


def _key(item: tuple[tuple[bool, str], list[Run]]) -> tuple[str, bool]:
    (seen, words), _ = item
    return words, seen


def _clips(runs: Sequence[Run], seen: bool) -> str:
    number = len({run["clip"] for run in runs})
    return f"{number} clip{'' if number == 1 else 's'} {'seen' if seen else 'not seen'} in tuning"


def _machine(run: Run) -> str:
    threads = "" if run["device"].startswith("cuda") else f", {run['threads']} threads each"
    return f"{run['machine']}{threads}"
