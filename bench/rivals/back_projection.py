"""Bicubic enlargement, then ten times: enlarge what the measurements still lack, and add it (Irani and Peleg 1991)."""

from torch.nn import functional as F

from bench.rivals import bicubic
from bench.rivals.base import Family, Restored
from bench.tasks import Measurement

FAMILY: Family = "interpolation"
ROUNDS = 10


def restore(given: Measurement) -> Restored | None:
    enlarged = bicubic.restore(given)
    if enlarged is None:
        return None
    x = enlarged.x
    for _ in range(ROUNDS):
        gap = given.y - given.degrade(x)
        x = x + F.interpolate(gap, size=x.shape[-2:], mode="bicubic", align_corners=False)
    return Restored(x, ROUNDS)
