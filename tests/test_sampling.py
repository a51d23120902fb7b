"""W by tables, the plain version, and compiled."""

from dataclasses import astuple

import pytest
import torch

from oneseed import compiled, jit
from oneseed.sampling import _KERNELS, Sampler, _neighbours
from oneseed.warp import Link, Warp, add_normals

KERNELS = pytest.mark.parametrize("kernel", ["linear", "cubic"])
PRECISIONS = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(1)
    return lambda *shape, dtype=torch.float32: torch.rand(*shape, generator=generator, dtype=dtype)


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def wandering(draw, n, height, width, dtype):
    """Flows of up to five pixels, some of them out of the picture, some whole."""
    flow = 10 * draw(n, 2, height, width, dtype=dtype) - 5
    flow[:, :, ::3] = flow[:, :, ::3].round()
    return flow


@KERNELS
@PRECISIONS
def test_counting_gives_what_sorting_gives(draw, kernel, dtype):
    there = _neighbours(wandering(draw, 2, 9, 7, dtype), *_KERNELS[kernel])
    for counted, in_order in zip(astuple(there._counted()), astuple(there._sorted()), strict=True):
        assert counted.dtype == in_order.dtype
        assert torch.equal(counted, in_order)


@KERNELS
@PRECISIONS
@pytest.mark.parametrize("size", [(2, 3, 9, 7), (3, 1, 16, 5), (1, 4, 1, 6), (2, 2, 1, 1)])
def test_compiled_and_by_tables_are_the_same_there_and_back(draw, kernel, dtype, size, threads):
    n, _, height, width = size
    x, sampler = draw(*size, dtype=dtype), Sampler(wandering(draw, n, height, width, dtype), kernel)
    assert compiled.takes(x, sampler.flow)
    for transposed in (False, True):
        torch.testing.assert_close(sampler.apply(x, transposed), sampler.plainly(x, transposed))


@KERNELS
@PRECISIONS
@pytest.mark.parametrize("step", [1, -1, 2, -2, 4])
def test_the_normal_of_a_link_in_one_pass_is_that_of_its_parts(draw, kernel, dtype, step, threads):
    count = 6 - abs(step)
    x, weight = draw(6, 3, 9, 7, dtype=dtype), draw(count, 1, 9, 7, dtype=dtype)
    link = Link(step, Warp(wandering(draw, count, 9, 7, dtype), kernel), weight)
    expected = torch.ones_like(x)
    gap = link.gap(x)
    link.add_transposed(expected, 0.7 * weight * gap)
    total = torch.ones_like(x)
    (power,) = add_normals(total, x, [link], [0.7])
    torch.testing.assert_close(total, expected)
    assert power == pytest.approx((weight * gap.square()).sum().item())


@PRECISIONS
def test_many_links_at_once_are_one_after_the_other(draw, dtype):
    x, kernels = draw(5, 3, 9, 7, dtype=dtype), {1: "linear", -2: "cubic"}
    links = [
        Link(step, Warp(wandering(draw, 5 - abs(step), 9, 7, dtype), kernel), draw(5 - abs(step), 1, 9, 7, dtype=dtype))
        for step, kernel in kernels.items()
    ]
    together, single = torch.zeros_like(x), torch.zeros_like(x)
    powers = add_normals(together, x, links, [0.7, 0.2])
    singly = [add_normals(single, x, [link], [times])[0] for link, times in zip(links, (0.7, 0.2), strict=True)]
    torch.testing.assert_close(together, single)
    torch.testing.assert_close(torch.stack(powers), torch.stack(singly))


@pytest.mark.parametrize("together", [1, 2, 3, 8])
def test_tables_of_a_few_frames_at_a_time_are_enough(draw, monkeypatch, together):
    made, fill = [], compiled._fill
    monkeypatch.setattr(compiled, "_fill", lambda frame, table: made.append(0) or fill(frame, table))
    x = draw(6, 3, 9, 7)
    links = [
        Link(step, Warp(wandering(draw, 6 - abs(step), 9, 7, torch.float32)), draw(6 - abs(step), 1, 9, 7))
        for step in (1, -2, 5)
    ]
    expected, powers = torch.zeros_like(x), []
    for link in links:
        gap = link.gap(x)
        link.add_transposed(expected, link.weight * gap)
        powers.append((link.weight * gap.square()).sum().item())
    total = torch.zeros_like(x)
    made.clear()
    assert add_normals(total, x, links, [1.0, 1.0, 1.0], together) == pytest.approx(powers)
    torch.testing.assert_close(total, expected)
    assert len(made) == sum(min(together + 5, 6 - first) for first in range(0, 6, together))


def test_colours_beside_each_other_or_not(draw):
    x, link = draw(4, 3, 9, 7), Link(1, Warp(wandering(draw, 3, 9, 7, torch.float32)), draw(3, 1, 9, 7))
    totals = [torch.zeros_like(x), torch.zeros_like(x, memory_format=torch.channels_last)]
    for total in totals:
        add_normals(total, x.contiguous(memory_format=torch.channels_last), [link], [1.0])
    assert torch.equal(*totals)


def test_threads_change_no_bit(draw):
    x, link = draw(9, 3, 9, 7), Link(2, Warp(wandering(draw, 7, 9, 7, torch.float32), "cubic"), draw(7, 1, 9, 7))
    before, found = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        total = torch.zeros_like(x)
        power = torch.tensor(add_normals(total, x, [link], [1.0]))
        found.append((power, total, link.warp.adjoint(x[:7])))
    torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("step", [1, -2, 3])
def test_pairs_worked_on_at_the_same_time_share_no_frame(draw, monkeypatch, step):
    turns, each = [], compiled.each
    monkeypatch.setattr(compiled, "each", lambda work, numbers: each(work, turns.append(list(numbers)) or turns[-1]))
    count = 9 - abs(step)
    link = Link(step, Warp(wandering(draw, count, 9, 7, torch.float32)), draw(count, 1, 9, 7))
    add_normals(torch.zeros(9, 3, 9, 7), draw(9, 3, 9, 7), [link], [1.0], together=9)
    turns = turns[1:-1]  # before and after them all frames are packed, and unpacked
    assert sorted(n for turn in turns for n in turn) == list(range(count))
    for turn in turns:
        frames = [frame for n in turn for frame in (n, n + abs(step))]
        assert len(set(frames)) == len(frames)


@KERNELS
def test_a_flow_that_is_no_number_touches_nothing_beyond_the_frame(draw, kernel):
    flow = wandering(draw, 1, 9, 7, torch.float32)
    flow[0, :, 4, 3] = torch.tensor([torch.nan, torch.inf])
    moved = Sampler(flow, kernel).apply(draw(1, 3, 9, 7), False)
    assert moved[0, :, 4, 3].isnan().all()
    assert moved.isnan().sum() == 3
    assert Sampler(flow, kernel).apply(draw(1, 3, 9, 7), True).isnan().any()


def test_many_channels_and_other_precisions_go_by_tables(draw):
    flow = wandering(draw, 1, 9, 7, torch.float32)
    assert not compiled.takes(draw(1, compiled.COLOURS + 1, 9, 7), flow)
    assert not compiled.takes(draw(1, 3, 9, 7).bfloat16(), flow)
    assert not compiled.takes(draw(1, 3, 9, 7), flow.bfloat16())
    assert not compiled.takes(draw(1, 3, 9, 7).to("meta"), flow)


def test_without_a_place_for_what_was_compiled_it_is_compiled_all_the_same(monkeypatch):
    tried = []

    def njit(**options):
        tried.append("cache" in options)
        if "cache" in options:
            raise RuntimeError("no locator available")
        return lambda function: function

    monkeypatch.setattr(jit, "njit", njit)
    assert jit.jit(len) is len
    assert tried == [True, False]
