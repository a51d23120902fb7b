"""What is peculiar to DIS."""

import cv2
import pytest
import torch
from torch.nn import functional as F

from oneseed.flow.dis import Dis


@pytest.fixture
def two():
    generator = torch.Generator().manual_seed(3)
    return F.interpolate(torch.rand(2, 3, 12, 16, generator=generator), size=(72, 96), mode="bicubic").clamp(0, 1)


def test_every_preset_is_another_flow(two):
    flows = [Dis(preset).estimate(two[:1], two[1:]) for preset in ("ultrafast", "fast", "medium", "fine")]
    assert not torch.equal(flows[2], flows[3])
    assert not torch.equal(flows[0], flows[1])
    assert not torch.equal(flows[1], flows[2])


def test_the_threads_of_opencv_are_put_back(two):
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        one = Dis().estimate(two[:1], two[1:])
        assert cv2.getNumThreads() == 3
        cv2.setNumThreads(1)
        assert torch.equal(one, Dis().estimate(two[:1], two[1:]))
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (8, 60), (20, 300), (60, 8), (11, 11)])
@pytest.mark.parametrize("preset", ["ultrafast", "fast", "medium", "fine"])
def test_sizes_that_opencv_crashes_on_are_covered(preset, size):
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    assert Dis(preset).estimate(x[:1], x[1:]).isfinite().all()


def test_it_is_the_luma_that_is_followed(two):
    weight = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    grey = (two * weight).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    torch.testing.assert_close(Dis().estimate(grey[:1], grey[1:]), Dis().estimate(two[:1], two[1:]), rtol=0, atol=0.2)


def test_fine_is_nearer_than_medium(two):
    """A smooth picture that moves by a fraction of a pixel."""
    wide = F.interpolate(two[:1], size=(144, 192), mode="bicubic")
    here, there = wide[..., ::2, :-2:2], wide[..., ::2, 1:-1:2]  # half a pixel apart
    gaps = [(Dis(preset).estimate(here, there)[:, 0, 8:-8, 8:-8] + 0.5).abs().mean() for preset in ("medium", "fine")]
    assert gaps[1] < gaps[0]
