"""OpenCV's fluid-dynamics inpainting, frame by frame (Bertalmio et al. 2001). For masks."""

import cv2

from bench.opencv_inpaint import inpaint
from bench.rivals.base import Family, Restored
from bench.tasks import Measurement

FAMILY: Family = "interpolation"


def restore(given: Measurement) -> Restored | None:
    return inpaint(given, cv2.INPAINT_NS)
