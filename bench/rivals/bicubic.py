"""Bicubic enlargement. For downsampling."""

from torch.nn import functional as F

from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.degrade.downsample import Downsample

FAMILY: Family = "interpolation"


def restore(given: Measurement) -> Restored | None:
    if not isinstance(given.degrade, Downsample):
        return None
    return Restored(F.interpolate(given.y, scale_factor=given.degrade.factor, mode="bicubic", align_corners=False))
