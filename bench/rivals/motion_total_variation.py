"""Total variation in space and along the estimated motion: the strongest rival that learns nothing.

Strengths: the best single pair for all tasks on camel and parkour, by the truth (slope 0.3 to 10, change 0.03 to 1).
"""

from bench import total_variation
from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.flow.dis import Dis

FAMILY: Family = "variation"
STRENGTHS = total_variation.Strengths(slope=0.5, change=0.15)


def restore(given: Measurement) -> Restored:
    return Restored(*total_variation.restore(given, Dis().estimate, STRENGTHS))
