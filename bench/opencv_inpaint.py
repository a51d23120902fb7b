"""OpenCV's inpainting on 8 bits; the known pixels are put back unrounded."""

import cv2
import numpy as np
import torch

from bench.rivals.base import Restored
from bench.tasks import Measurement
from oneseed.degrade.mask import Mask

RADIUS = 3  # pixels


def inpaint(given: Measurement, method: int) -> Restored | None:
    if not isinstance(given.degrade, Mask):
        return None
    keep = given.degrade.keep(given.y.shape).expand(len(given.y), -1, -1, -1)
    frames = []
    for y, known in zip(given.y, keep, strict=True):
        picture = (y.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().cpu().numpy()
        hole = (known[0] == 0).byte().cpu().numpy()
        filled = cv2.inpaint(np.ascontiguousarray(picture), hole, RADIUS, method)
        x = torch.from_numpy(filled).permute(2, 0, 1).to(y) / 255
        frames.append(torch.where(known > 0, y, x))
    return Restored(torch.stack(frames))
