"""OpenCV's fluid-dynamics inpainting, frame by frame (Bertalmio et al. 2001). For masks."""

import cv2

from bench.opencv_inpaint import inpaint
from bench.tasks import Measurement
from oneseed.shapes import Frames

ORACLE = False


def restore(given: Measurement) -> Frames | None:
    return inpaint(given, cv2.INPAINT_NS)
