"""What runs share, in a reader's words."""

from collections.abc import Sequence

from bench.clips import SEEN_IN_TUNING
from bench.results import Run
from bench.tasks import NOISE


def protocol(runs: Sequence[Run]) -> dict[str, str]:
    """What, and how it was; several where runs differ."""
    clips = sorted({(run["dataset"], run["clip"]) for run in runs})
    return {
        "clips not seen in tuning": _list(
            [f"{clip} ({dataset})" for dataset, clip in clips if clip not in SEEN_IN_TUNING]
        ),
        "clips seen in tuning": _list([f"{clip} ({dataset})" for dataset, clip in clips if clip in SEEN_IN_TUNING]),
        "frames": _several(runs, "frames"),
        "size": _several(runs, "size"),
        "+noise": f"standard deviation {NOISE} on the [0, 1] scale, seed {_several(runs, 'noise_seed')}",
        "+8bits": "measurements rounded to 8 bits; without either they are exact",
        "scores": "of the last video, once; means over frames, then over clips, ± standard error over clips",
        "prior": _several(runs, "prior"),
        "device": _several(runs, "device"),
        "threads of each run": _several(runs, "threads"),
        "machine": _several(runs, "machine"),
        "versions": _list(sorted({f"{name} {number}" for run in runs for name, number in run["versions"].items()})),
    }


def _several(runs: Sequence[Run], name: str) -> str:
    return _list(sorted({str(run[name]) for run in runs}))


def _list(words: Sequence[str]) -> str:
    return "; ".join(words) or "none"
