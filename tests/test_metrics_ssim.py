"""Structural similarity."""

import pytest
import torch
from skimage.metrics import structural_similarity
from torch.nn import functional as F

from oneseed.errors import RequestError
from oneseed.metrics.ssim import ssim


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(7, 7), (16, 23), (64, 48)])
def test_it_is_scikit_images_number_for_each_frame(size, dtype):
    generator = torch.Generator().manual_seed(0)
    x = F.interpolate(torch.rand(3, 3, 5, 5, generator=generator, dtype=dtype), size=size, mode="bicubic").clamp(0, 1)
    y = (x + 0.1 * torch.randn(x.shape, generator=generator, dtype=dtype)).clamp(0, 1)
    theirs = [
        structural_similarity(b.numpy(), a.numpy(), channel_axis=0, data_range=1)
        for a, b in zip(x.double(), y.double(), strict=True)
    ]
    ours = ssim(x, y)
    assert ours.dtype == dtype
    assert ours.tolist() == pytest.approx(theirs, abs=1e-6)


def test_flat_frames_lose_no_digits():
    x = torch.full((1, 3, 16, 16), 0.9)
    assert ssim(x, x).item() == pytest.approx(1, abs=1e-6)
    assert ssim(x + 1e-3, x).item() == pytest.approx(1, abs=1e-5)


def test_frames_smaller_than_the_window_are_refused():
    with pytest.raises(RequestError, match="frames are 20x6; ssim needs at least 7 pixels a side"):
        ssim(torch.zeros(1, 3, 6, 20), torch.zeros(1, 3, 6, 20))
