"""`latent_consistent` as VISION-XL was released (Kwon and Ye 2024): a blur's adjoint is the identity.

Conjugate gradients then meet a matrix that is neither symmetric nor positive. All begins at the first measured frame.
"""

from torch.nn.functional import interpolate

from bench import latent_video
from bench.rivals.base import Family, Restored
from bench.tasks import Measurement
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.shapes import Frames, Measured

FAMILY: Family = "diffusion"


def restore(given: Measurement) -> Restored:
    first = interpolate(given.y[:1], size=given.shape[-2:])  # enlarged where it is small
    return latent_video.restore(given, first, lambda y: adjoint(given, y))


def adjoint(given: Measurement, y: Measured) -> Frames:
    """Part by part, last first."""
    for part in reversed(given.degrade.parts()):
        n, c, h, w = y.shape
        if isinstance(part, MotionBlur):
            continue  # the identity
        if isinstance(part, Downsample):
            y = interpolate(y, scale_factor=part.factor)  # factor² times the true one, which changes nothing
        else:
            y = part.adjoint(y, part.clean_shape((n, c, h, w)))
    return y
