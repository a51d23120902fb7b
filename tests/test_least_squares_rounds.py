"""What is estimated between the solves: confidence and edges; and the start as a whole."""

from collections.abc import Iterable

import pytest
import torch
from tests.small_problem import moving, rightwards

from oneseed import least_squares
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.flow.dis import Dis
from oneseed.flow.still import Still
from oneseed.least_squares import confident_links, edges, robustly
from oneseed.warp import Link, Warp


def test_confidence_lies_between_0_and_1_and_falls_with_the_error(draw):
    x = moving(draw, 4)
    x[2, :, 20:30, 20:30] = draw(3, 10, 10)  # something that comes and goes
    links = confident_links(x, rightwards, (1, 2, -1))
    for link in links:
        assert (link.weight >= 0).all()
        assert (link.weight <= 1).all()
    first = links[0]
    struck, spared = first.weight[2, 0, 22:28, 22:28], first.weight[0, 0, 22:28, 22:28]
    assert struck.mean() < 0.2 < 0.8 < spared.mean()


def test_hidden_pixels_have_no_confidence(draw):
    x = moving(draw, 3)
    (link,) = confident_links(x, rightwards, [1])
    assert (link.weight[..., -1] == 0).all()  # they left the picture
    assert (link.weight[..., :-1] > 0).all()


def test_beyond_the_contrast_motion_costs_the_size_of_its_error_and_below_it_the_square(draw):
    x, hidden = draw(3, 3, 8, 8), draw(2, 1, 8, 8) < 0.2
    link = Link(1, Warp(torch.zeros(2, 2, 8, 8)), draw(2, 1, 8, 8).masked_fill(hidden, 0))
    error = (x[:-1] - x[1:]).square().sum(1, keepdim=True).sqrt()
    (low,), (high,) = robustly([link], x, 1e-4), robustly([link], x, 1e4)
    torch.testing.assert_close((low.weight * error.square())[~hidden], 1e-4 * error[~hidden], rtol=1e-3, atol=0)
    torch.testing.assert_close(high.weight, (~hidden).float())
    assert (low.weight[hidden] == 0).all()
    assert (low.step, low.warp) == (link.step, link.warp)


@pytest.mark.parametrize(
    ("frames", "asked", "tied"), [(4, [1, 2], [1, 2]), (3, range(1, 6), [1, 2]), (1, [1, -1], []), (2, [1, -1, 2], [1, -1])]
)  # fmt: skip
def test_frames_are_tied_as_far_as_the_clip_goes(draw, frames: int, asked: Iterable[int], tied: list[int]):
    assert [link.step for link in confident_links(draw(frames, 3, 16, 16), Still().estimate, asked)] == tied


def test_smooth_places_count_fully_and_edges_little():
    x = torch.zeros(2, 3, 8, 8, dtype=torch.float64)
    x[..., 4:] = 0.4
    across, down, bend_across, bend_down = edges(x, 0.1, window=3)
    assert (down == 1).all()
    assert (bend_down == 1).all()
    assert (across[..., [0, 1, 5, 6]] == 1).all()
    assert (bend_across[..., [0, 5]] == 1).all()  # the mean of 3x3 reaches one pixel further than the bends
    one_in_three = 1 / (1 + 3 * 4**2 / 3) ** 0.5
    torch.testing.assert_close(across[..., 2:5], torch.full((2, 1, 8, 3), one_in_three, dtype=torch.float64))
    sharp, *_ = edges(x, 0.1)
    assert (sharp[..., [0, 1, 2, 4, 5, 6]] == 1).all()
    torch.testing.assert_close(sharp[..., 3], torch.full((2, 1, 8), 1 / (1 + 3 * 4**2) ** 0.5, dtype=torch.float64))


def test_an_edge_of_colour_counts_more_than_a_grey_one():
    grey, coloured = torch.zeros(2, 1, 3, 8, 8, dtype=torch.float64)
    grey[..., 4:] = 0.1
    coloured[..., 4:] = torch.tensor([0.1, 0.0, -0.1])[:, None, None]
    (of_grey, *_), (of_coloured, *_) = (edges(x, 0.1, colour=2.0) for x in (grey, coloured))
    torch.testing.assert_close(of_grey[..., 3], torch.full((1, 1, 8), 1 / (1 + 3) ** 0.5, dtype=torch.float64))
    torch.testing.assert_close(of_coloured[..., 3], torch.full((1, 1, 8), 1 / (1 + 4 * 2) ** 0.5, dtype=torch.float64))


def test_one_pixel_that_agrees_by_chance_is_not_trusted(draw):
    """Filled in from a wrong motion it agrees with it; what is around it does not."""
    x = moving(draw, 3)
    x[1, :, 20:30, 20:30] = draw(3, 10, 10)
    x[1, :, 25, 25] = x[2, :, 25, 26]
    (link,) = confident_links(x, rightwards, [1])
    assert link.weight[1, 0, 25, 25] < 0.2


SETTINGS = {
    "noise": 0.005, "gradient_sd": 0.2, "motion_sd": 0.03, "reach": 2, "interpolation": "cubic",
    "first_steps": 40, "rounds": 3, "round_steps": 25,
}  # fmt: skip


QUICK = SETTINGS | {"first_steps": 8, "rounds": 2, "round_steps": 5}


def test_motion_is_no_finer_than_twice_the_measurements(draw):
    truth, asked = moving(draw, 3, 32), []

    def estimate(here, there):
        asked.append(here.shape[-1])
        return torch.zeros(len(here), 2, *here.shape[-2:])

    for factor in (2, 4, 8):
        A = Downsample(factor)
        least_squares.restore(A(truth), A, tuple(truth.shape), estimate, **QUICK)
    assert list(dict.fromkeys(asked)) == [32, 16, 8]


def test_knowing_the_motion_is_better_than_not_knowing_it(draw):
    """Pixels missing in a texture that moves: what one frame lacks, another shows."""
    truth, A = moving(draw, 6), Mask(0.6)
    y = A(truth)
    runs = [SETTINGS | {"rounds": 0}, SETTINGS]
    first, whole = (least_squares.restore(y, A, tuple(truth.shape), Dis().estimate, **run) for run in runs)
    assert (whole - truth).square().mean() < 0.5 * (first - truth).square().mean()


@pytest.mark.parametrize(
    ("name", "other"),
    [("noise", 0.1), ("gradient_sd", 0.05), ("motion_sd", 0.3), ("reach", 1), ("first_steps", 3), ("rounds", 1),
     ("round_steps", 3)],
)  # fmt: skip
def test_every_setting_of_restore_acts(draw, name: str, other: float):
    truth, A = moving(draw, 3, 20), Mask(0.5)
    before, after = (
        least_squares.restore(A(truth), A, tuple(truth.shape), rightwards, **run)
        for run in (QUICK, QUICK | {name: other})
    )
    assert not torch.equal(before, after)


def test_the_measurements_type_is_kept(draw):
    y = draw(2, 3, 8, 8, dtype=torch.float64)
    assert least_squares.restore(y, lambda v: v, (2, 3, 8, 8), Still().estimate, **SETTINGS).dtype == torch.float64
