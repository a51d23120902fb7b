"""Which piece is next: those that others wait for first, and none before what it waits for."""

import pytest

from oneseed.degrade.mask import Mask
from oneseed.pieces import Sizes, plan
from oneseed.queue import Queue

PIECES = plan((30, 3, 32, 48), Mask(0.5), Sizes(6, 2, (32, 32), 8), cuts=[6])
"""A shot of one window, and one of several; two tiles."""


def names(queue: Queue) -> list[str]:
    taken = []
    while (piece := queue.take()) is not None:
        taken.append(piece.name)
    return taken


def test_cold_all_can_begin_at_once_in_order():
    assert names(Queue(PIECES, warm=False)) == [piece.name for piece in PIECES]


def test_warm_only_the_first_windows_of_shots_can_begin_and_the_longer_shot_first():
    first = [piece.name for piece in PIECES if piece.after is None]
    assert len(first) == 4
    assert names(Queue(PIECES, warm=True)) == first[2:] + first[:2]


def test_what_is_done_lets_its_successor_begin():
    queue = Queue(PIECES, warm=True)
    (piece,) = [piece for piece in PIECES if piece.name == "00001-00-01"]
    names(queue)
    assert queue.take() is None
    queue.done(piece)
    (successor,) = names(queue)
    assert successor == "00002-00-01"
    assert len(queue) == len(PIECES) - 1


def test_what_was_done_before_holds_nobody_up():
    assert names(Queue(PIECES[4:], warm=True)) == ["00002-00-00", "00002-00-01"]


def test_a_piece_that_was_put_back_is_next():
    queue = Queue(PIECES, warm=False)
    first = queue.take()
    queue.take()
    assert first is not None
    queue.put_back(first)
    assert queue.take() is first


@pytest.mark.parametrize("cuts", [[], [6], [6, 12]])
def test_a_window_follows_the_one_before_it_in_its_shot_only(cuts: list[int]):
    pieces = {piece.name: piece for piece in plan((30, 3, 32, 48), Mask(0.5), Sizes(6, 2, (32, 32), 8), cuts)}
    for piece in pieces.values():
        if piece.after is None:
            assert piece.box.first in [0, *cuts]
        else:
            before = pieces[piece.after]
            assert piece.box[2:] == before.box[2:]
            assert before.box.first < piece.box.first < before.box.last
