"""No motion at all: for a locked-off camera, and for tests."""

from oneseed.shapes import Flow, Frames

__all__ = ["Still"]


class Still:
    def estimate(self, here: Frames, there: Frames) -> Flow:
        return here.new_zeros(len(here), 2, *here.shape[-2:])
