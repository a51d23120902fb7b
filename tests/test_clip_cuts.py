"""Cuts are found through noise and holes, and motion is not taken for one."""

import pytest
import torch
from tests.moving_clip import moving_clip
from torch import Tensor

from oneseed.clip.cuts import find_cuts, parse_cuts
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.errors import RequestError


def shots() -> Tensor:
    """Three of ten frames each, that pan."""
    one = moving_clip(10, 96)
    return torch.cat([one, 1 - one.flip(2), one[:, [2, 0, 1]] * 0.6])


NOISE = 0.1 * torch.randn(shots().shape, generator=torch.Generator().manual_seed(0))
DAMAGE = {
    "nothing": shots(),
    "holes": Mask(0.5)(shots()),
    "holes that move": Mask(0.5, per_frame=True)(shots()),
    "noise": shots() + NOISE,
    "low resolution": Downsample(4)(shots()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_cuts_are_found(damage: str):
    assert find_cuts(DAMAGE[damage]) == [10, 20]


def test_motion_is_no_cut():
    assert find_cuts(moving_clip(20, 96)) == []
    assert find_cuts(moving_clip(1, 96)) == []


def test_cuts_are_read():
    assert parse_cuts("auto", 30) is None
    assert parse_cuts("none", 30) == []
    assert parse_cuts("20,3, 3", 30) == [3, 20]


@pytest.mark.parametrize("text", ["0", "30", "x", "3,,4", ""])
def test_other_cuts_are_refused(text: str):
    with pytest.raises(RequestError, match=f"--cuts {text} for 30 frames; needed is auto, none, or numbers"):
        parse_cuts(text, 30)
