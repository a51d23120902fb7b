"""Bicubic enlargement. For downsampling."""

from torch.nn import functional as F

from bench.tasks import Measurement
from oneseed.degrade.downsample import Downsample
from oneseed.shapes import Frames

ORACLE = False


def restore(given: Measurement) -> Frames | None:
    if not isinstance(given.degrade, Downsample):
        return None
    return F.interpolate(given.y, scale_factor=given.degrade.factor, mode="bicubic", align_corners=False)
