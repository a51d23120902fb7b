"""Total variation in space and between frames as they lie, without motion (Rudin, Osher and Fatemi 1992; ADMM-TV's model)."""

from bench import total_variation
from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.flow.still import Still

FAMILY: Family = "variation"
STRENGTHS = total_variation.Strengths(slope=1.0, change=0.3, reach=1)


def restore(given: Measurement) -> Restored:
    return Restored(*total_variation.restore(given, Still().estimate, STRENGTHS))
