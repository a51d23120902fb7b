"""Total variation in space and along the estimated motion: the strongest rival that learns nothing."""

from bench import total_variation
from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.flow.dis import Dis

FAMILY: Family = "variation"
STRENGTHS = total_variation.Strengths(slope=1.0, change=0.1)


def restore(given: Measurement) -> Restored:
    return Restored(*total_variation.restore(given, Dis().estimate, STRENGTHS))
