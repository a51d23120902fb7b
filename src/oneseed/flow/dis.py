"""Dense inverse search (Kroeger et al. 2016) from OpenCV: fast on a CPU, no weights. The default."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import cv2
import numpy as np
import torch

from oneseed.jit import each
from oneseed.shapes import Flow, Frames

__all__ = ["Dis"]

_PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
    "fine": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
_FINEST = {"ultrafast": 2, "fast": 2, "medium": 1, "fine": 0}  # OpenCV's own, but for `fine`
_LUMA = (0.299, 0.587, 0.114)  # BT.601


class Dis:
    """DIS on the luma, in 8 bits.

    Args:
        preset: the slower, the finer. `fine` is OpenCV's `medium` carried on to the full resolution; the warped frame of a
            clean clip is then 1 to 2 dB nearer, for twice the time.
    """

    def __init__(self, preset: Literal["ultrafast", "fast", "medium", "fine"] = "fine"):
        self.preset = preset

    @torch.no_grad()
    def estimate(self, here: Frames, there: Frames) -> Flow:
        height, width = here.shape[-2:]
        flows = np.empty((len(here), 2, height, width), np.float32)
        before, after = _luma(here), _luma(there)

        def look(pair: int) -> None:
            search = cv2.DISOpticalFlow.create(_PRESETS[self.preset])
            search.setFinestScale(_FINEST[self.preset])
            flow = search.calc(before[pair], after[pair], None)  # type: ignore[call-overload]
            flows[pair] = flow[:height, :width].transpose(2, 0, 1)

        with _one_thread():
            each(look, range(len(here)))
        return torch.from_numpy(flows).to(here)


def _luma(x: Frames) -> np.ndarray:
    grey = torch.einsum("nchw,c->nhw", x.clamp(0, 1), x.new_tensor(_LUMA))
    levels = grey.mul(255).round().to(torch.uint8).cpu().numpy()
    height, width = levels.shape[1:]
    # OpenCV takes the coarsest level from the width alone and crashes on small and on very wide pictures.
    below, right = max(16 - height, math.ceil(0.4 * width) - height, 0), max(16 - width, 0)
    return np.pad(levels, ((0, 0), (0, below), (0, right)), mode="edge")


@contextmanager
def _one_thread() -> Iterator[None]:
    """For each pair: the order of the work, and with it the flow, must not depend on the machine."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
