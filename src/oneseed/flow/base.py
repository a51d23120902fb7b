"""Motion: for every pixel of one frame, where the same point lies in another frame.

An estimator is deterministic and gives no gradient. To add one, add a file to this folder; `still.py` is the smallest.
"""

from typing import Protocol, runtime_checkable

from oneseed.shapes import Flow, Frames


@runtime_checkable
class FlowEstimator(Protocol):
    def estimate(self, here: Frames, there: Frames) -> Flow:
        """f with here(p) = there(p + f(p)), in pixels, pair by pair; dtype and device of `here`.

        Frames are RGB of any range and are clamped to [0, 1] first: estimates are made on half-finished frames.
        """
        ...
