"""Time stamps as exact fractions, ticks and grids."""

from fractions import Fraction

from oneseed.clip.timing import counts, on_grid, tick_length, ticks

NTSC = Fraction(30000, 1001)
MILLISECOND = Fraction(1, 1000)


def test_rounded_times_go_back_to_their_grid():
    exact = [n / NTSC for n in range(100)]
    rounded = [Fraction(round(time * 1000), 1000) for time in exact]
    assert on_grid(rounded, Fraction(0), NTSC, MILLISECOND) == exact
    assert on_grid(rounded[40:], Fraction(0), NTSC, MILLISECOND) == exact[40:]


def test_times_off_the_grid_are_left_alone():
    assert on_grid([Fraction(0), Fraction(1, 25), Fraction(3, 25)], Fraction(0), Fraction(25), MILLISECOND) is None
    assert on_grid([Fraction(0), Fraction(1, 24)], Fraction(0), Fraction(25), MILLISECOND) is None


def test_a_tick_is_as_long_as_it_can_be():
    assert tick_length([n / NTSC for n in range(9)], NTSC) == 1 / NTSC
    assert tick_length([Fraction(0), Fraction(1, 90000)], Fraction(25)) == Fraction(1, 90000)
    assert tick_length([Fraction(0), Fraction(1, 99_999_989)], Fraction(25)) == Fraction(1, 1_000_000)


def test_no_two_frames_share_a_tick():
    assert ticks([Fraction(0), Fraction(1, 250), Fraction(1, 100)], Fraction(1, 100)) == [0, 1, 2]
    assert ticks([Fraction(7, 1000), Fraction(13, 1000)], Fraction(1, 100)) == [1, 2]


def test_whole_frames_apart_may_leave_gaps():
    assert counts([Fraction(1, 3), Fraction(1, 3) + Fraction(2, 25)], Fraction(25))
    assert not counts([Fraction(0), Fraction(1, 24)], Fraction(25))
