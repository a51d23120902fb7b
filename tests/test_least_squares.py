"""Conjugate gradients against dense linear algebra: the solution, its terms, and when the search stops."""

import dataclasses
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import torch
from tests.small_problem import SMALL, matrix, moving, rightwards, some_terms
from torch import Tensor

from oneseed import least_squares
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.least_squares import Terms, confident_links, iterates, solve
from oneseed.normal import Normal
from oneseed.warp import pairs

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
        certainty = (1 / torch.as_tensor(terms.near_sd).expand(SMALL) ** 2).flatten().numpy()
        H += np.diag(certainty)
        b += certainty * terms.near.flatten().numpy()
    return np.linalg.solve(H, b).reshape(SMALL)


def objective(x: Tensor, y: Tensor, degrade: Callable[[Tensor], Tensor], terms: Terms) -> Tensor:
    total = (degrade(x) - y).square().sum() / terms.noise**2
    for difference, edge in zip(DIFFERENCES, edges_of(terms), strict=True):
        total = total + (edge * coloured(difference(x), terms.colour).square()).sum() / terms.gradient_sd**2
    for step, warp, confidence in terms.links:
        here, there = pairs(x, step)
        total = total + (confidence * (here - warp(there)).square()).sum() / terms.motion_sd**2
    if terms.near is not None:
        total = total + ((x - terms.near) / terms.near_sd).square().sum()
    return total


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
    costs = [objective(x, y, A, terms).item() for x in (x, *iterates(y, A, x, terms, 40))]
    assert len(costs) > 20
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in itertools.pairwise(costs))
    assert costs[5] < 0.1 * costs[0]


@pytest.mark.parametrize("missing", [None, "near", "edges", "links"])
def test_the_matrix_by_hand_is_half_the_objectives_second_derivative(draw, missing: str | None):
    """Autograd is the specification: H x - b is half the gradient, times s²."""
    terms, A = some_terms(draw), Downsample(2)
    if missing:
        terms = dataclasses.replace(terms, **{missing: () if missing == "links" else None})
    y, x = draw(*A.measured_shape(SMALL), dtype=torch.float64), draw(*SMALL, dtype=torch.float64).requires_grad_()
    expected = torch.autograd.grad(objective(x, y, A, terms), x)[0] * terms.noise**2 / 2
    x = x.detach()
    nearness = 0 if terms.near is not None else terms.noise**2 / terms.near_sd**2 * x  # to nothing, it is to black
    H = Normal(y, A, terms, x)
    torch.testing.assert_close(H(x) - H.b - nearness, expected)


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


def test_pixels_that_are_missing_and_held_loosely_arrive_within_fifteen_steps(draw):
    """Their eigenvalues are thousands of times smaller than those of measured ones, and plain steps hardly move them."""
    x, A = moving(draw, 4, 24).double(), Mask(0.5)
    links = confident_links(x, rightwards, (1, -1))
    terms = Terms(noise=0.005, motion_sd=0.05, links=links, near=x.mean().expand_as(x), near_sd=0.1)
    early, late = (solve(A(x), A, torch.zeros_like(x), terms, steps) for steps in (15, 400))
    torch.testing.assert_close(early, late, rtol=0, atol=0.02)


def test_the_search_stops_when_nothing_is_left_to_do(draw):
    x = draw(2, 3, 4, 4)
    taken = list(iterates(x, lambda v: v, torch.zeros_like(x), Terms(noise=0.1), 50))
    assert len(taken) == 1
    torch.testing.assert_close(taken[0], x)
    assert list(iterates(x, lambda v: v, x, Terms(noise=0.1), 50)) == []
    assert solve(x, lambda v: v, x, Terms(noise=0.1), 50) is x
    black = torch.zeros_like(x)
    assert solve(black, lambda v: v, black, Terms(noise=0.1), 50) is black


@pytest.mark.parametrize("seed", range(3, 8))
def test_going_on_beyond_the_solution_stays_finite(seed: int):
    """In single precision what is left vanishes in rounding: its square over its curvature would be infinite."""
    A, x = Downsample(4), torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    for last in iterates(A(x), A, torch.zeros_like(x), Terms(noise=0.0), 100, tolerance=0.0):  # noqa: B007
        pass
    torch.testing.assert_close(A(last), A(x), rtol=0, atol=1e-3)


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
