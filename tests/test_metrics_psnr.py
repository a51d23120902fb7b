"""Peak signal-to-noise ratio."""

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from oneseed.metrics.psnr import psnr


def test_an_error_of_a_tenth_everywhere_is_20_db():
    x = torch.full((2, 3, 8, 8), 0.5)
    assert psnr(x + 0.1, x).tolist() == pytest.approx([20, 20], abs=1e-4)


def test_equal_frames_are_infinite():
    x = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    y = x.clone()
    y[1] += 0.5
    assert psnr(y, x).isinf().tolist() == [True, False, True]
    assert (psnr(x, x) > 0).all()


def test_it_is_scikit_images_number_for_each_frame():
    x, y = torch.rand(2, 3, 3, 16, 20, generator=torch.Generator().manual_seed(0))
    theirs = [peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1) for a, b in zip(x, y, strict=True)]
    assert psnr(x, y).tolist() == pytest.approx(theirs, abs=1e-4)
