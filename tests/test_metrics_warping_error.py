"""The warping error, by numbers that can be worked out by hand."""

import pytest
import torch

from oneseed.metrics.warping_error import WarpingError, motion_boundary


def still(here, there):
    return here.new_zeros(len(here), 2, *here.shape[-2:])


def sideways(pixels):
    """The true motion of a picture that moves `pixels` to the right per frame, whichever way a pair is taken."""

    def estimate(here, there):
        flow = still(here, there)
        moves_on = torch.equal(here[0, ..., : -2 * pixels], there[0, ..., pixels:-pixels])
        flow[:, 0] = pixels if moves_on else -pixels
        return flow

    return estimate


@pytest.fixture
def moving():
    """Four frames of a texture that moves 2 pixels to the right per frame."""
    wide = torch.rand(1, 3, 16, 40, generator=torch.Generator().manual_seed(0)) / 2
    return torch.cat([wide[..., 8 - 2 * n : 32 - 2 * n] for n in range(4)])


def test_a_perfect_video_is_zero_along_its_motion(moving):
    errors = WarpingError(sideways(2)).measure(moving, moving)
    for values in errors:
        assert values.tolist() == [0, 0, 0]
    assert WarpingError(still)(moving, moving).min() > 1


def test_flicker_costs_its_square_times_100(moving):
    """Frame n brighter by 0.1 n: 0.1 between neighbours; to the reference the carried frame is 0.1 (n + 1) off."""
    result = moving + 0.1 * torch.arange(4.0).view(4, 1, 1, 1)
    errors = WarpingError(sideways(2)).measure(result, moving)
    assert errors.we_self.tolist() == pytest.approx([1, 1, 1], rel=1e-3)
    assert errors.we_gt.tolist() == pytest.approx([3 * 1, 3 * 4, 3 * 9], rel=1e-3)
    assert errors.we_reference.tolist() == [0, 0, 0]


def test_a_constant_error_is_consistent_but_not_right(moving):
    errors = WarpingError(sideways(2)).measure(moving + 0.1, moving)
    assert errors.we_self.max() < 1e-6
    assert errors.we_gt.tolist() == pytest.approx([3, 3, 3], rel=1e-3)


def test_one_channel_counts_a_third_in_self_and_once_against_the_reference(moving):
    result = moving.clone()
    result[1, 0] += 0.1
    errors = WarpingError(sideways(2)).measure(result, moving)
    assert errors.we_self.tolist() == pytest.approx([1 / 3, 1 / 3, 0], rel=1e-3)
    assert errors.we_gt.tolist() == pytest.approx([1, 0, 0], rel=1e-3)


def test_what_leaves_the_picture_is_not_counted(moving):
    """The last 2 columns of frame n look beyond frame n + 1, whose first 2 columns nobody looks at."""
    result = moving.clone()
    result[0, ..., -2:] += 1
    result[3, ..., :2] += 1
    assert WarpingError(sideways(2))(result, moving).tolist() == [0, 0, 0]


def test_what_lies_on_a_motion_boundary_is_not_counted():
    def half(here, there):
        flow = still(here, there)
        flow[:, 0, :, 8:] = 0.5
        return flow

    grey = torch.full((2, 3, 8, 16), 0.5)
    on, beside = grey.clone(), grey.clone()
    on[0, ..., 7] += 0.1
    beside[0, ..., 6] += 0.1
    assert WarpingError(half)(on, grey).tolist() == [0]
    assert WarpingError(half)(beside, grey).item() > 0.01


def test_the_motion_is_that_of_the_reference(moving):
    seen = []

    def watching(here, there):
        seen.extend([here, there])
        return still(here, there)

    WarpingError(watching).measure(moving + 1, moving)
    assert len(seen) == 4
    assert all(x.max() <= 0.5 for x in seen)


def test_without_anything_visible_there_is_no_number(moving):
    def away(here, there):
        return still(here, there) + 1e3

    assert WarpingError(away)(moving, moving).isnan().all()


def test_a_single_frame_has_no_pairs(moving):
    assert WarpingError(still)(moving[:1], moving[:1]).shape == (0,)


def test_a_motion_boundary_is_where_the_flow_jumps():
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0, :, 4:] = 1
    boundary = motion_boundary(flow)[0, 0]
    assert boundary[:, 3].all()
    assert boundary.sum() == 8
    # one pixel of slope is no jump beside a motion of more than ten
    assert not motion_boundary(flow + 20).any()
