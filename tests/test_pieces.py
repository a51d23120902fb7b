"""Pieces cover the clip, and what they became is blended without a change where they agree."""

from itertools import pairwise

import pytest
import torch

from oneseed.box import Box
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.pieces import Sizes, blend, blended, measured_in, plan, spans

SMALL = Sizes(window=8, overlap=3, tile=(48, 64), tile_overlap=16)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 13, 14, 60, 121])
@pytest.mark.parametrize(("longest", "overlap", "unit"), [(8, 3, 1), (8, 1, 2), (8, 4, 4)])
def test_spans_cover_all_and_share_enough(length: int, longest: int, overlap: int, unit: int):
    found = spans(length, longest, overlap, unit)
    assert (found[0][0], found[-1][1]) == (0, length)
    assert all(begin % unit == 0 for begin, _ in found)
    assert all(end - begin == longest for begin, end in found[:-1])
    assert found[-1][1] - found[-1][0] < longest + unit
    assert all(earlier[1] - later[0] >= overlap for earlier, later in pairwise(found))
    if len(found) > 1:  # one fewer would not do
        assert longest + (len(found) - 2) * ((longest - overlap) // unit * unit) < length


def test_spans_that_do_not_get_ahead_are_refused():
    with pytest.raises(ValueError, match="spans of 8 with 8 in common, by 1, do not get ahead"):
        spans(20, 8, 8)


@pytest.mark.parametrize("blind", [0, 1])
def test_weights_sum_to_one_and_hold_nothing_back(blind: int):
    total = torch.zeros(61)
    for (begin, end), share in blended((5, 61), 8, 3, 1, blind):
        assert (share >= 0).all()
        total[begin:end] += share
    torch.testing.assert_close(total[5:], torch.ones(56))
    assert not total[:5].any()


def test_next_to_a_cut_through_the_clip_another_span_is_believed():
    (_, first), ((_, _), second) = blended((0, 14), 8, 2, 1, 0)[0], blended((0, 14), 8, 2, 1, 0)[1]
    assert first[-2:].tolist() == pytest.approx([0.75, 0.25])
    assert second[:2].tolist() == pytest.approx([0.25, 0.75])
    blind = blended((0, 12), 8, 4, 1, 1)
    assert blind[0][1][-1] < 1e-8
    assert blind[1][1][0] < 1e-8


@pytest.mark.parametrize(
    "A", [Mask(0.5), Downsample(4), MotionBlur(9), TemporalBlur(3)], ids=lambda A: type(A).__name__
)
@pytest.mark.parametrize("cuts", [(), (9,)])
def test_pieces_that_agree_are_the_clip(A, cuts):
    whole = (20, 3, 80, 112)
    x = torch.rand(whole, generator=torch.Generator().manual_seed(0))
    pieces = plan(whole, A, SMALL, cuts)
    assert len({piece.name for piece in pieces}) == len(pieces)
    for frame in range(20):
        told = [piece for piece in pieces if piece.counts(frame)]
        made = [piece.box.of(x)[frame - piece.box.first] for piece in told]
        torch.testing.assert_close(blend(told, whole, frame, made), x[frame])


def test_windows_end_at_cuts_but_see_what_was_mixed_in():
    whole = (30, 3, 32, 32)
    assert [piece.box[:2] for piece in plan(whole, Mask(0.5), SMALL, [7, 12])][:3] == [(0, 7), (7, 12), (12, 20)]
    assert next(piece.box[:2] for piece in plan(whole, Mask(0.5), SMALL, [0, 30])) == (0, 8)
    pieces = plan(whole, TemporalBlur(3), SMALL, [7])
    assert [piece.box[:2] for piece in pieces][:2] == [(0, 8), (6, 14)]
    assert [pieces[0].counts(frame) for frame in (5, 6, 7)] == [True, True, False]
    assert [pieces[1].counts(frame) for frame in (6, 7, 8)] == [False, True, True]


def test_a_clip_that_fits_is_one_piece():
    (piece,) = plan((8, 3, 48, 64), Downsample(4), SMALL)
    assert piece.box == Box(0, 8, 0, 48, 0, 64)
    assert piece.weights(3).eq(1).all()


def test_tiles_begin_where_measurements_do():
    boxes = [piece.box for piece in plan((4, 3, 300, 420), Downsample(3), Sizes(8, 3, (96, 144), 48))]
    assert all(box.top % 24 == box.left % 24 == 0 for box in boxes)
    assert max(box.bottom for box in boxes) == 300


@pytest.mark.parametrize("A", [MotionBlur(9), TemporalBlur(3).then(Downsample(4))], ids=["space", "time"])
def test_measurements_that_look_beyond_a_piece_are_left_out_of_both(A):
    whole, box = (12, 3, 80, 80), Box(2, 9, 16, 64, 0, 80)
    x = torch.rand(whole, generator=torch.Generator().manual_seed(1))
    y = A.measured_box(box).of(A(x))
    local, kept = measured_in(A, whole, box, y)
    torch.testing.assert_close(local(box.of(x)), kept)
    assert (kept == 0).any()
    assert (kept == y)[kept != 0].all()
    assert local.measured_shape(box.shape()) == tuple(y.shape)
    assert local.clean_shape(tuple(y.shape)) == box.shape()


def test_a_piece_that_is_all_of_the_clip_has_the_operator_itself():
    A, y = TemporalBlur(3), torch.rand(6, 3, 32, 32)
    local, kept = measured_in(A, (6, 3, 32, 32), Box(0, 6, 0, 32, 0, 32), y)
    assert local is A
    assert kept is y
