"""What one turn of the loop leaves behind."""

from dataclasses import dataclass
from typing import Literal

from oneseed.shapes import Frames

Phase = Literal["start", "fit", "search", "finish"]


@dataclass(frozen=True)
class Epoch:
    """The last one of a run carries the result."""

    number: int
    """Epochs done so far, fitting included."""
    phase: Phase
    x: Frames
    """The video, detached and not clamped."""
    data_loss: float
    """Mean squared error of A(x) against the measurements that the chain saw (eq 12)."""
    held_out: float | None = None
    """Mean squared error of A(x) against the measurements that the chain did not see."""
    warp_loss: float = 0.0
    """Eq 9, a mean over visible values."""
    residual_rms: float = 0.0
    """Root mean square of the residuals r_n."""
    visible_share: float = 0.0
    """Share of the pixels that the occlusion mask lets through; near 0, warping does nothing."""

    def predicts(self, other: "Epoch") -> bool:
        """What was held out, no worse than `other` does; where nothing was, the later is taken to."""
        return self.held_out is None or other.held_out is None or self.held_out <= other.held_out


class Best:
    """The epoch that predicts best so far, a start included, and the only one whose video is kept."""

    def __init__(self, epoch: Epoch | None = None):
        self.epoch = epoch

    def offer(self, epoch: Epoch) -> None:
        if self.epoch is None or epoch.predicts(self.epoch):
            self.epoch = epoch

    def video(self) -> Frames:
        assert self.epoch is not None
        return self.epoch.x
