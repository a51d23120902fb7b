"""Motion-compensated least squares: data, agreement along the estimated motion, smoothness, all squared.

The strongest rival that needs no learning and no robust norm; ours begins with it.
"""

from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed import least_squares
from oneseed.flow.dis import Dis
from oneseed.presets import preset

FAMILY: Family = "least squares"


def restore(given: Measurement) -> Restored:
    r = preset("draft")  # whose numbers were tuned as the rest of ours was
    x = least_squares.restore(
        given.y, given.degrade, given.shape, Dis().estimate, noise=r.noise(given.noise), gradient_sd=r.gradient_sd,
        motion_sd=r.motion_sd, reach=r.reach, interpolation=r.interpolation, first_steps=r.first_steps, rounds=r.rounds,
        round_steps=r.round_steps,
    )  # fmt: skip
    return Restored(x, r.first_steps + r.rounds * r.round_steps)
