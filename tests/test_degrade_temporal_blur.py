"""TemporalBlur: a loop over frames is the specification."""

from typing import Literal

import pytest
import torch

from oneseed.box import Box
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.errors import RequestError

Edges = Literal["circular", "reflect", "replicate"]


def plain(x: torch.Tensor, width: int, edges: Edges) -> torch.Tensor:
    last, frames = len(x) - 1, []
    for n in range(len(x)):
        total = torch.zeros_like(x[0])
        for offset in range(-(width // 2), width // 2 + 1):
            at = n + offset
            if edges == "circular":
                at %= len(x)
            elif edges == "replicate":
                at = min(max(at, 0), last)
            else:
                at = -at if at < 0 else 2 * last - at if at > last else at
            total = total + x[at]
        frames.append(total / width)
    return torch.stack(frames)


@pytest.mark.parametrize(
    ("n", "width", "edges"),
    [(n, width, "circular") for n, width in [(3, 3), (7, 7), (16, 7)]]
    + [(n, width, "reflect") for n, width in [(2, 3), (4, 7), (16, 7), (5, 9)]]
    + [(n, width, "replicate") for n, width in [(2, 3), (2, 7), (16, 7)]],
)
def test_it_is_the_mean_of_neighbouring_frames(n: int, width: int, edges: Edges):
    x = torch.rand(n, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(TemporalBlur(width, edges)(x), plain(x, width, edges))


@pytest.mark.parametrize("edges", ["circular", "reflect", "replicate"])
def test_a_still_video_stays_as_it_is(edges: Edges):
    x = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0)).expand(9, 3, 4, 5)
    torch.testing.assert_close(TemporalBlur(7, edges)(x), x.clone())


def test_sixteen_frames_can_be_undone_and_fourteen_cannot():
    assert torch.linalg.svdvals(TemporalBlur(7).matrix(16)).min() > 0.02
    assert torch.linalg.svdvals(TemporalBlur(7).matrix(14)).min() < 1e-12


@pytest.mark.parametrize(("edges", "needed"), [("circular", 7), ("reflect", 4), ("replicate", 2)])
def test_too_few_frames_are_refused_with_the_number_needed(edges: Edges, needed: int):
    blur = TemporalBlur(7, edges)
    blur(torch.zeros(needed, 3, 4, 4))
    with pytest.raises(RequestError, match=rf"frames is {needed - 1}; temporal-blur:width=7.* at least {needed}\."):
        blur(torch.zeros(needed - 1, 3, 4, 4))


@pytest.mark.parametrize("width", [4, 1, 0, -3])
def test_widths_without_a_middle_are_refused(width: int):
    with pytest.raises(RequestError, match=f"temporal-blur:width={width}; the width is odd and at least 3"):
        TemporalBlur(width)


def test_a_piece_of_a_circular_blur_may_be_shorter_than_its_width():
    A, x = TemporalBlur(7), torch.rand(20, 3, 8, 8)
    box = Box(3, 8, 0, 8, 0, 8)
    assert A.local((20, 3, 8, 8), box)(box.of(x)).shape == (5, 3, 8, 8)
    assert A.local((20, 3, 8, 8), Box.all_of((20, 3, 8, 8))) is A
