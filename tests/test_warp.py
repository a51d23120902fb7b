"""W, M and eqs 9 and 10."""

import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from oneseed.flow.dis import Dis
from oneseed.warp import (
    FlowMemory,
    Link,
    Warp,
    add_link_slope,
    backward_warp,
    coarsely,
    in_bounds,
    link_loss,
    pairs,
    tie,
    visible,
    warp_loss,
)


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(1)
    return lambda *shape, dtype=torch.float32: torch.rand(*shape, generator=generator, dtype=dtype)


def constant(n, height, width, dx, dy, dtype=torch.float32):
    return torch.tensor([dx, dy], dtype=dtype).view(1, 2, 1, 1).expand(n, -1, height, width).contiguous()


def moving(draw, frames, size=48):
    """A smooth picture that moves one pixel to the right from each frame to the next."""
    wide = F.interpolate(draw(1, 3, 12, 12), size=(size, size + frames), mode="bicubic", align_corners=False)
    return torch.cat([wide[..., frames - n : frames - n + size] for n in range(frames)]).clamp(0, 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(9, 12), (37, 53), (1, 5), (5, 1), (1, 1), (64, 64)])
@pytest.mark.parametrize("kernel", ["linear", "cubic"])
def test_warping_by_nothing_is_exactly_the_identity(draw, size, dtype, kernel):
    x = draw(2, 3, *size, dtype=dtype)
    assert torch.equal(Warp(torch.zeros(2, 2, *size, dtype=dtype), kernel)(x), x)


def test_whole_pixels_are_moved_exactly(draw):
    x = draw(1, 3, 9, 12)
    moved = backward_warp(x, constant(1, 9, 12, 2, -1))
    assert torch.equal(moved[..., 1:, :-2], x[..., :-1, 2:])


def test_beyond_the_border_the_border_is_repeated(draw):
    x = draw(1, 3, 9, 12)
    assert torch.equal(backward_warp(x, constant(1, 9, 12, 100, 0)), x[..., -1:].expand_as(x))
    assert torch.equal(backward_warp(x, constant(1, 9, 12, 0, -7.25))[..., :7, :], x[..., :1, :].expand(-1, -1, 7, -1))


@pytest.mark.parametrize(("kernel", "mode"), [("linear", "bilinear"), ("cubic", "bicubic")])
def test_values_and_gradients_are_those_of_grid_sample(draw, kernel, mode):
    x, flow = draw(3, 3, 17, 23, dtype=torch.float64), 12 * draw(3, 2, 17, 23, dtype=torch.float64) - 6
    rows, columns = torch.meshgrid(torch.arange(17).double(), torch.arange(23).double(), indexing="ij")
    grid = torch.stack([2 * (columns + flow[:, 0]) / 22 - 1, 2 * (rows + flow[:, 1]) / 16 - 1], -1)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    one = Warp(flow, kernel)(ours)
    two = F.grid_sample(theirs, grid, mode=mode, padding_mode="border", align_corners=True)
    weight = draw(3, 3, 17, 23, dtype=torch.float64)
    if kernel == "cubic":  # theirs reads beyond the border with the weights of a target there, ours of one on it
        weight = weight * in_bounds(flow)
    torch.testing.assert_close(one * weight, two * weight)
    (one * weight).sum().backward()
    (two * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("kernel", ["linear", "cubic"])
def test_the_adjoint_is_exact(draw, kernel):
    x, y = draw(2, 3, 9, 7, dtype=torch.float64), draw(2, 3, 9, 7, dtype=torch.float64)
    warp = Warp(6 * draw(2, 2, 9, 7, dtype=torch.float64) - 3, kernel)
    torch.testing.assert_close((warp(x) * y).sum(), (x * warp.adjoint(y)).sum())


def test_precisions_that_numpy_does_not_know_have_an_adjoint_too(draw):
    warp = Warp(constant(2, 9, 7, 1, -1, torch.bfloat16))
    y = draw(2, 3, 9, 7, dtype=torch.bfloat16)
    assert torch.equal(warp.adjoint(y)[..., 1:-1, 1:-1], y[..., 2:, :-2])


@pytest.mark.parametrize("kernel", ["linear", "cubic"])
def test_the_gradient_is_the_exact_transpose(draw, kernel):
    warp = Warp(8 * draw(2, 2, 6, 7, dtype=torch.float64) - 4, kernel)
    x, y = draw(2, 3, 6, 7, dtype=torch.float64), draw(2, 3, 6, 7, dtype=torch.float64)
    back = torch.func.vjp(warp, x)[1](y)[0]
    torch.testing.assert_close((warp(x) * y).sum(), (x * back).sum(), rtol=1e-12, atol=0)
    assert torch.autograd.gradcheck(warp, x.clone().requires_grad_())
    assert torch.autograd.gradgradcheck(warp, x.clone().requires_grad_())


def test_cubics_keep_what_lies_between_pixels_sharper(draw):
    """Half a pixel there and half a pixel back: what is left of the finest detail."""
    x = draw(1, 3, 32, 32)
    left = {}
    for kernel in ("linear", "cubic"):
        there, back = (Warp(constant(1, 32, 32, half, 0), kernel) for half in (0.5, -0.5))
        left[kernel] = (back(there(x)) - x)[..., 4:-4].square().mean()
    assert left["cubic"] < 0.6 * left["linear"]


def test_a_coarse_look_gives_the_flow_of_the_large_frames(draw):
    asked = []

    def estimate(here, there):
        asked.append(here.shape)
        return torch.stack([here.new_full(here.shape[-2:], 1.0), here.new_full(here.shape[-2:], -0.5)])[None]

    x = draw(1, 3, 21, 32)
    flow = coarsely(estimate, 2)(x, x)
    assert asked == [(1, 3, 10, 16)]
    torch.testing.assert_close(flow, constant(1, 21, 32, 2.0, -1.05))
    assert coarsely(estimate, 1) is estimate


def test_one_warp_serves_features_of_any_number_and_layout(draw):
    warp = Warp(4 * draw(2, 2, 8, 8) - 2)
    x = draw(2, 16, 8, 8)
    torch.testing.assert_close(warp(x.contiguous(memory_format=torch.channels_last)), warp(x), rtol=0, atol=0)
    torch.testing.assert_close(warp(x)[:, 5:6], warp(x[:, 5:6]))


def test_frames_of_another_size_are_refused(draw):
    warp = Warp(torch.zeros(2, 2, 8, 8))
    for shape in [(1, 3, 8, 8), (2, 3, 8, 9), (3, 3, 8, 8)]:
        with pytest.raises(ValueError, match="what the flow was made for"):
            warp(draw(*shape))


def test_in_bounds_is_where_the_target_lies_on_the_picture():
    inside = in_bounds(constant(1, 4, 6, 2, -0.5))[0, 0]
    assert inside[1:, :4].all()
    assert not inside[0].any()
    assert not inside[:, 4:].any()


def test_there_and_back_is_visible_and_elsewhere_is_not():
    forward = constant(1, 12, 12, 3, 0)
    assert visible(forward, -forward)[..., :9].all()
    assert not visible(forward, -forward)[..., 9:].any()
    assert not visible(forward, torch.zeros_like(forward)).any()
    assert visible(forward, constant(1, 12, 12, -3.5, 0))[..., :9].all()
    assert not visible(forward, constant(1, 12, 12, -4, 0)).any()


@pytest.mark.parametrize(
    ("forward", "backward", "seen"), [(0.7, 0, True), (0.72, 0, False), (9, -7.7, True), (9, -7.6, False)]
)
def test_the_check_has_the_constants_of_unflow(forward, backward, seen):
    """0.7² < 0.01 * 0.7² + 0.5 < 0.72²; 1.3² < 0.01 * (9² + 7.7²) + 0.5 and 1.4² > 0.01 * (9² + 7.6²) + 0.5."""
    found = visible(constant(1, 1, 24, forward, 0), constant(1, 1, 24, backward, 0))
    assert found[..., :14].all() == seen
    assert found[..., :14].any() == seen


def test_the_check_looks_at_the_way_back_from_where_it_arrived():
    backward = torch.zeros(1, 2, 1, 16)
    backward[:, 0, :, 8:] = -4
    seen = visible(constant(1, 1, 16, 4, 0), backward)[0, 0, 0]
    assert seen.tolist() == [4 <= p < 12 for p in range(16)]


def test_warp_loss_is_the_mean_squared_error_of_what_is_seen(draw):
    x, y = draw(3, 3, 8, 8), draw(3, 3, 8, 8)
    mask = draw(3, 1, 8, 8) > 0.4
    seen = (x - y).square().masked_select(mask.expand_as(x))
    still = torch.zeros(3, 2, 8, 8)
    torch.testing.assert_close(warp_loss(x, y, still, mask), seen.mean())
    torch.testing.assert_close(warp_loss(x, y, Warp(still), 0.3 * mask), seen.mean())


def test_hidden_pixels_cost_nothing_and_get_no_gradient(draw):
    x, y = draw(1, 3, 8, 8).requires_grad_(), draw(1, 3, 8, 8)
    seen = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    seen[..., :4] = True
    warp_loss(x, y, torch.zeros(1, 2, 8, 8), seen).backward()
    assert x.grad is not None
    assert (x.grad[..., :4] != 0).all()
    assert (x.grad[..., 4:] == 0).all()


def test_nothing_visible_is_zero_with_a_gradient(draw):
    x = draw(2, 3, 8, 8).requires_grad_()
    nothing = torch.zeros(1, 1, 8, 8)
    loss = warp_loss(x[:1], 1e3 * x[1:], torch.zeros(1, 2, 8, 8), nothing) + link_loss(x, [])
    loss.backward()
    assert loss.item() == 0
    assert x.grad is not None
    assert (x.grad == 0).all()


@pytest.mark.parametrize(
    ("step", "here", "there"), [(1, [0, 1, 2], [1, 2, 3]), (-1, [1, 2, 3], [0, 1, 2]), (3, [0], [3])]
)
def test_pairs_are_frames_n_and_n_plus_step(step, here, there):
    x = torch.arange(4.0).view(4, 1, 1, 1)
    a, b = pairs(x, step)
    assert (a.flatten().tolist(), b.flatten().tolist()) == (here, there)


@pytest.mark.parametrize("step", [1, -1, 2, -3])
def test_a_link_follows_the_motion_at_any_distance_either_way(draw, step):
    x = moving(draw, 5)
    (tied,) = tie(x, [step], Dis().estimate)
    assert tied.weight.mean() > 0.8
    assert link_loss(x, [tied]) < 0.02 * (pairs(x, step)[0] - pairs(x, step)[1]).square().mean()


def test_links_both_ways_share_their_flows(draw):
    x, asked = moving(draw, 5), []

    def estimate(here, there):
        asked.append(len(here))
        return Dis().estimate(here, there)

    together = tie(x, [1, -1, 2, -2, 7], estimate)
    assert len(asked) == 4
    for one, step in zip(together, [1, -1, 2, -2], strict=True):
        (alone,) = tie(x, [step], Dis().estimate)
        assert torch.equal(one.warp.flow, alone.warp.flow)
        assert torch.equal(one.weight, alone.weight)


def counting():
    """An estimator whose n-th estimate is n, everywhere."""
    count = itertools.count(1)
    return lambda here, there: torch.full((len(here), 2, 4, 4), float(next(count)))


def test_the_memory_starts_from_the_first_estimate_and_refreshes_on_time():
    memory = FlowMemory(counting(), beta=0.75, every=2)
    x = torch.zeros(3, 1, 4, 4)
    flows = [memory.look(x, epoch)[0].warp.flow.unique().tolist() for epoch in (5, 7, 8, 9)]
    # backward is estimated first: 1, then forward: 2; at epoch 8 they are 3 and 4
    assert flows == [[2], [2], [0.75 * 2 + 0.25 * 4], [0.75 * 2 + 0.25 * 4]]


def test_the_memory_ties_each_frame_at_every_distance_asked_for():
    x = torch.zeros(4, 3, 8, 8)
    memory = FlowMemory(lambda here, there: torch.zeros(len(here), 2, 8, 8), 0.5, 1, steps=(1, -1, 2, 9))
    assert memory.visible_share == 0
    links = memory.look(x, 0)
    assert [(tied.step, len(tied.weight)) for tied in links] == [(1, 3), (-1, 3), (2, 2)]
    assert memory.visible_share == 1


def test_the_mask_of_the_memory_belongs_to_the_averaged_flow():
    signs = itertools.cycle([-1, 1])
    sizes = itertools.chain([2, 2], itertools.repeat(6))

    def estimate(here, there):
        return constant(len(here), 4, 40, next(signs) * next(sizes), 0)

    memory = FlowMemory(estimate, beta=0.5, every=1)
    x = torch.zeros(2, 1, 4, 40)
    memory.look(x, 0)
    (tied,) = memory.look(x, 1)
    assert tied.warp.flow[:, 0].unique().tolist() == [4]
    assert tied.weight[0, 0, 0].tolist() == [1.0] * 36 + [0.0] * 4


def test_a_single_frame_has_no_links():
    memory = FlowMemory(counting(), 0.5, 1)
    assert memory.look(torch.zeros(1, 3, 4, 4), 0) == []
    assert memory.visible_share == 0


def links_of(steps: list[int], frames: int) -> list[Link]:
    def some(step: int, channels: int) -> Tensor:
        shape = (frames - abs(step), channels, 7, 9)
        return torch.rand(shape, generator=torch.Generator().manual_seed(step + 10), dtype=torch.float64)

    return [Link(step, Warp(4 * some(step, 2) - 2), some(step, 1)) for step in steps]


@pytest.mark.parametrize("steps", [[], [1], [-1], [2, -1, 1]], ids=str)
def test_the_loss_with_its_gradient_in_one_pass_is_the_plain_one(steps: list[int]):
    x = torch.rand(4, 3, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    links, before = links_of(steps, 4), torch.rand(4, 3, 7, 9, dtype=torch.float64)
    slope, plain = before.clone(), 3 * link_loss(x, links)
    torch.testing.assert_close(add_link_slope(slope, x.detach(), links, 3.0), plain.detach())
    torch.testing.assert_close(slope - before, torch.autograd.grad(plain, x)[0])
    assert torch.equal(slope, before) is not bool(steps)


def test_a_pair_of_which_nothing_is_visible_adds_nothing_in_one_pass():
    x, slope = torch.rand(2, 3, 7, 9, dtype=torch.float64), torch.zeros(2, 3, 7, 9, dtype=torch.float64)
    [(step, warp, weight)] = links_of([1], 2)
    assert add_link_slope(slope, x, [Link(step, warp, 0 * weight)]) == 0
    assert not slope.any()
