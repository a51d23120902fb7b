"""Motion-compensated least squares: against dense linear algebra, and on clips whose truth is known."""

import dataclasses
import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from oneseed import least_squares
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.flow.dis import Dis
from oneseed.flow.still import Still
from oneseed.least_squares import Terms, confident_links, edges, iterates, solve
from oneseed.warp import Link, Warp, pairs

SMALL = (3, 2, 6, 4)


def moving(draw: Callable[..., Tensor], frames: int, size: int = 48) -> Tensor:
    """A fine texture that moves one pixel to the right from each frame to the next."""
    wide = F.interpolate(draw(1, 3, 16, 16), size=(size, size + frames), mode="bicubic", align_corners=False)
    return torch.cat([wide[..., frames - n : frames - n + size] for n in range(frames)]).clamp(0, 1)


def rightwards(here: Tensor, there: Tensor) -> Tensor:
    """The true motion of `moving` between neighbours, told apart from its reverse by looking."""
    flow = here.new_zeros(len(here), 2, *here.shape[-2:])
    ahead = (here[..., :-1] - there[..., 1:]).square().mean() < (here[..., 1:] - there[..., :-1]).square().mean()
    flow[:, 0] = 1 if ahead else -1
    return flow


def some_terms(draw: Callable[..., Tensor]) -> Terms:
    n, _, h, w = SMALL
    flows = [4 * draw(n - step, 2, h, w, dtype=torch.float64) - 2 for step in (1, 2)]
    links = [
        Link(step, Warp(flow), draw(n - step, 1, h, w, dtype=torch.float64))
        for step, flow in zip((1, 2), flows, strict=True)
    ]
    near = draw(*SMALL, dtype=torch.float64)
    sizes = (h, w - 1), (h - 1, w), (h, w - 2), (h - 2, w)
    edges = [draw(n, 1, *size, dtype=torch.float64) for size in sizes]
    return Terms(
        noise=0.05, gradient_sd=0.3, edges=edges, colour=1.7, motion_sd=0.1, links=links, near=near, near_sd=0.2
    )  # fmt: skip


def matrix(apply: Callable[[Tensor], Tensor]) -> np.ndarray:
    """A linear map of frames of SMALL, column by column."""
    basis = torch.eye(int(np.prod(SMALL)), dtype=torch.float64).view(-1, *SMALL)
    return np.stack([apply(x).flatten().numpy() for x in basis], 1)


DIFFERENCES = (
    lambda x: x.diff(dim=-1), lambda x: x.diff(dim=-2), lambda x: x.diff(n=2, dim=-1) / 2, lambda x: x.diff(n=2, dim=-2) / 2
)  # fmt: skip


def edges_of(terms: Terms) -> Sequence[Tensor]:
    """Without edges the first differences count fully, and the second not at all."""
    return terms.edges if terms.edges is not None else [torch.tensor(weight) for weight in (1.0, 1.0, 0.0, 0.0)]


def coloured(x: Tensor, colour: float) -> Tensor:
    """Γx: the mean of the colours as it is, what differs from it stronger."""
    return x.mean(1, keepdim=True) + colour * (x - x.mean(1, keepdim=True))


def dense_solution(y: Tensor, degrade: Callable[[Tensor], Tensor], terms: Terms) -> np.ndarray:
    """The minimum, by the normal equations written out."""
    A = matrix(degrade)
    H, b = A.T @ A / terms.noise**2, A.T @ y.flatten().numpy() / terms.noise**2
    for difference, edge in zip(DIFFERENCES, edges_of(terms), strict=True):
        D = matrix(lambda x, difference=difference, edge=edge: edge.sqrt() * coloured(difference(x), terms.colour))
        H += D.T @ D / terms.gradient_sd**2
    for step, warp, confidence in terms.links:

        def unexplained(x: Tensor, step=step, warp=warp, confidence=confidence) -> Tensor:
            return confidence.sqrt() * (x[:-step] - warp(x[step:]))

        M = matrix(unexplained)
        H += M.T @ M / terms.motion_sd**2
    if terms.near is not None:
        H += np.eye(len(H)) / terms.near_sd**2
        b += terms.near.flatten().numpy() / terms.near_sd**2
    return np.linalg.solve(H, b).reshape(SMALL)


def objective(x: Tensor, y: Tensor, degrade: Callable[[Tensor], Tensor], terms: Terms) -> float:
    total = (degrade(x) - y).square().sum() / terms.noise**2
    for difference, edge in zip(DIFFERENCES, edges_of(terms), strict=True):
        total = total + (edge * coloured(difference(x), terms.colour).square()).sum() / terms.gradient_sd**2
    for step, warp, confidence in terms.links:
        here, there = pairs(x, step)
        total = total + (confidence * (here - warp(there)).square()).sum() / terms.motion_sd**2
    if terms.near is not None:
        total = total + (x - terms.near).square().sum() / terms.near_sd**2
    return total.item()


@pytest.mark.parametrize("without", ["nothing", "gradient_sd", "edges", "motion_sd", "near_sd"])
def test_the_solution_is_that_of_dense_linear_algebra(draw, without: str):
    terms, A = some_terms(draw), Downsample(2)
    if without != "nothing":
        terms = dataclasses.replace(terms, **{without: None if without == "edges" else torch.inf})
    y = draw(*A.measured_shape(SMALL), dtype=torch.float64)
    found = solve(y, A, torch.zeros(SMALL, dtype=torch.float64), terms, 300)
    np.testing.assert_allclose(found.numpy(), dense_solution(y, A, terms), rtol=0, atol=1e-6)


def test_the_solution_does_not_depend_on_where_the_search_begins(draw):
    terms, A = some_terms(draw), Downsample(2)
    y = draw(*A.measured_shape(SMALL), dtype=torch.float64)
    one, other = (solve(y, A, x.double(), terms, 300) for x in (torch.zeros(SMALL), 9 * draw(*SMALL)))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_no_iterate_is_worse_than_the_one_before(draw):
    terms, A = some_terms(draw), TemporalBlur(3)
    y, x = draw(*SMALL, dtype=torch.float64), 5 * draw(*SMALL, dtype=torch.float64)
    costs = [objective(x, y, A, terms), *(objective(x, y, A, terms) for x in iterates(y, A, x, terms, 40))]
    assert len(costs) > 20
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in itertools.pairwise(costs))
    assert costs[5] < 0.1 * costs[0]


@pytest.mark.parametrize(
    ("field", "other"),
    [("noise", 0.5), ("gradient_sd", 0.01), ("edges", None), ("colour", 1.0), ("motion_sd", 0.01), ("links", ()),
     ("near", None), ("near_sd", 0.01)],
)  # fmt: skip
def test_every_field_of_terms_acts(draw, field: str, other: object):
    terms, A = some_terms(draw), Downsample(2)
    y, x = draw(*A.measured_shape(SMALL), dtype=torch.float64), torch.zeros(SMALL, dtype=torch.float64)
    before, after = (solve(y, A, x, t, 100) for t in (terms, dataclasses.replace(terms, **{field: other})))
    assert (before - after).abs().max() > 1e-3


def test_no_field_of_terms_is_forgotten_above():
    tried = next(mark for mark in test_every_field_of_terms_acts.pytestmark if mark.name == "parametrize")
    assert {name for name, _ in tried.args[1]} == {field.name for field in dataclasses.fields(Terms)}


def test_a_noiseless_temporal_blur_is_undone_exactly(draw):
    """Width 7 of 16 frames loses no frequency."""
    A, truth = TemporalBlur(7), draw(16, 3, 8, 8, dtype=torch.float64)
    found = solve(A(truth), A, torch.zeros_like(truth), Terms(noise=1e-6), 60)
    torch.testing.assert_close(found, truth, rtol=0, atol=1e-6)


def test_the_search_stops_when_nothing_is_left_to_do(draw):
    x = draw(2, 3, 4, 4)
    taken = list(iterates(x, lambda v: v, torch.zeros_like(x), Terms(noise=0.1), 50))
    assert len(taken) == 1
    torch.testing.assert_close(taken[0], x)
    assert list(iterates(x, lambda v: v, x, Terms(noise=0.1), 50)) == []
    assert solve(x, lambda v: v, x, Terms(noise=0.1), 50) is x
    black = torch.zeros_like(x)
    assert solve(black, lambda v: v, black, Terms(noise=0.1), 50) is black


def test_a_solve_keeps_one_iterate_at_a_time(monkeypatch):
    """A list of them would be gigabytes for an ordinary clip."""
    alive = weakref.WeakSet()

    def many(*_: object) -> Iterator[Tensor]:
        for _ in range(9):
            x = torch.zeros(1, 1, 1, 1)
            alive.add(x)
            yield x
            assert len(alive) <= 2

    monkeypatch.setattr(least_squares, "iterates", many)
    solve(torch.zeros(1, 1, 1, 1), lambda v: v, torch.zeros(1, 1, 1, 1), Terms(noise=0.1), 9)


def test_solving_does_not_touch_the_start(draw):
    x, y = draw(2, 3, 4, 4), draw(2, 3, 4, 4)
    before = x.clone()
    found = solve(y, lambda v: v, x, Terms(noise=0.1, gradient_sd=0.1), 3)
    assert not found.requires_grad
    assert torch.equal(x, before)


def test_solving_works_where_gradients_are_switched_off(draw):
    y, x = draw(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    with torch.no_grad():
        quiet = solve(y, lambda v: v / 2, x, Terms(noise=0.1, gradient_sd=0.1), 5)
    assert torch.equal(quiet, solve(y, lambda v: v / 2, x, Terms(noise=0.1, gradient_sd=0.1), 5))


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
    "noise": 0.005, "gradient_sd": 0.2, "motion_sd": 0.03, "reach": 2, "first_steps": 40, "rounds": 3, "round_steps": 25
}  # fmt: skip


QUICK = SETTINGS | {"first_steps": 8, "rounds": 2, "round_steps": 5}


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
