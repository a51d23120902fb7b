"""Threads: as many as torch uses, and torch takes one in each."""

from collections.abc import Iterator
from threading import Barrier, Thread, get_ident

import pytest
import torch

from oneseed.jit import each


@pytest.fixture(params=[2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_what_is_returned_is_in_order(threads: int):
    assert each(lambda n: n**2, range(9)) == [n**2 for n in range(9)]


def test_they_work_at_the_same_time_and_torch_takes_one_in_each(threads: int):
    together = Barrier(threads, timeout=20)

    def work(_: int) -> tuple[int, int]:
        together.wait()
        return get_ident(), torch.get_num_threads()

    found = each(work, range(threads))
    assert len({thread for thread, _ in found} | {get_ident()}) == threads + 1
    assert {count for _, count in found} == {1}


def test_other_threads_keep_theirs(threads: int):
    counts: list[int] = []
    each(int, range(threads))
    other = Thread(target=lambda: counts.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert [torch.get_num_threads(), *counts] == [threads, threads]


def test_one_thread_is_this_one():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    found = each(lambda n: get_ident(), range(2))
    torch.set_num_threads(before)
    assert set(found) == {get_ident()}
