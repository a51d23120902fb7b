"""What a restoration came to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from oneseed import spec
from oneseed.clip.clip import Written
from oneseed.pieces import Sizes
from oneseed.worker import Figures, Worker


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restoration did; `as_dict` is what `--json` writes."""

    written: Written
    pieces: Sequence[Figures]
    """Of each piece, in order."""
    sizes: Sizes
    worker: Worker

    @property
    def frames(self) -> int:
        return self.worker.whole[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.worker.whole[3], self.worker.whole[2]

    @property
    def epochs(self) -> int:
        return sum(piece.epochs for piece in self.pieces)

    @property
    def seconds(self) -> float:
        return sum(piece.seconds for piece in self.pieces)

    @property
    def interrupted(self) -> bool:
        return any(piece.interrupted for piece in self.pieces)

    @property
    def diverged(self) -> str | None:
        """Why the first piece that failed did; its last good frames are what was written."""
        return next((piece.diverged for piece in self.pieces if piece.diverged), None)

    def __str__(self) -> str:
        return f"{self.written.path}: {self.frames} frames in {self.seconds:.0f} s, {self.written.report}"

    def as_dict(self) -> dict[str, Any]:
        worker, epochs = self.worker, self.epochs
        return {
            "frames": self.frames,
            "size": list(self.size),
            "pieces": len(self.pieces),
            "window": self.sizes.window,
            "tile": list(reversed(self.sizes.tile)),
            "epochs": epochs,
            "seconds": round(self.seconds, 3),
            "seconds_per_epoch": round(self.seconds / epochs, 4) if epochs else None,
            "peak_memory_mb": round(max(piece.peak_memory_mb for piece in self.pieces), 1),
            **{name: fmean(getattr(piece, name) for piece in self.pieces) for name in _MEANS},
            "recipe": asdict(worker.recipe),
            **worker.names,
            "device": str(worker.place),
            "degradation": spec.format(worker.degrade),
            "noise": worker.noise,
            "interrupted": self.interrupted,
        }


_MEANS = ("data_loss", "residual_rms", "visible_share")
