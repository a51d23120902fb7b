"""What the chain lowers, in one pass and as it is written: the same values, the same slope."""

import pytest
import torch
from torch import Tensor

from oneseed import registry
from oneseed.degrade.base import Degradation
from oneseed.degrade.mask import Mask
from oneseed.misfit import Misfit
from oneseed.objective import Objective
from oneseed.warp import Link, Warp

N, H, W = 9, 24, 40


class Squared(Degradation):
    """Not linear."""

    linear = False

    def forward(self, x: Tensor) -> Tensor:
        return x.square()


class Same(Degradation):
    linear = True

    def forward(self, x: Tensor) -> Tensor:
        return x


class Brightness(Degradation):
    """Its gradient is one number a frame, seen at every pixel."""

    linear = True

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True)


ROOM = [registry.find("degrade", name)() for name in registry.choices("degrade")]


@pytest.mark.parametrize("degrade", [*ROOM, Squared(), Same(), Brightness()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("steps", [[], [1, -2]], ids=str)
def test_one_pass_is_the_plain_one(monkeypatch, draw, degrade, steps: list[int]):
    monkeypatch.setattr("oneseed.objective.TOGETHER", 2 * 3 * H * W)  # two frames at a time, where that can be
    video = draw(N, 3, H, W, dtype=torch.float64)
    truth = degrade(draw(N, 3, H, W, dtype=torch.float64)).detach()
    y, seen = truth.clone(), (draw(*truth.shape) > 0.2).double()
    links = [
        Link(d, Warp(2 * draw(N - abs(d), 2, H, W, dtype=torch.float64) - 1), draw(N - abs(d), 1, H, W).double())
        for d in steps
    ]
    kept, told, slopes = video.clone(), [], []
    for plain in (True, False):
        leaf = video.requires_grad_()
        losses = Objective(y, degrade, Misfit(seen), plain)(2 * leaf, links, 0.7)
        losses.back()
        told.append((losses.data.item(), losses.held_out, losses.warp.item(), losses.total.item()))
        slopes.append(leaf.grad)
        leaf.grad = None
    assert told[0] == pytest.approx(told[1])
    assert min(told[0]) > 0 or not steps
    torch.testing.assert_close(*slopes)
    assert torch.equal(video, kept)
    assert torch.equal(y, truth)


def test_frames_that_are_degraded_apart_are_taken_a_few_at_a_time(monkeypatch, draw):
    most: list[int] = []

    class Watched(Mask):
        def forward(self, x: Tensor) -> Tensor:
            most.append(len(x))
            return super().forward(x)

    video, y = draw(N, 3, H, W).requires_grad_(), draw(N, 3, H, W)
    reaching = type("Reaching", (Watched,), {"temporal_reach": 1})
    silent = type("Silent", (Watched,), {"local": Degradation.local})
    for kind, together, expected in (
        (Watched, 4, [4, 4, 1]), (Watched, 0.5, [1] * N), (Watched, 9, [9]), (reaching, 4, [9]), (silent, 4, [9]),
    ):  # fmt: skip
        monkeypatch.setattr("oneseed.objective.TOGETHER", int(together * 3 * H * W))
        most.clear()
        Objective(y, kind(), Misfit(torch.ones_like(y)), plain=False)(video * 1, [], 0.7)
        assert most == expected


def test_nothing_but_the_slope_waits_for_the_way_back(draw):
    video = draw(N, 3, H, W).requires_grad_()
    y, kept = draw(N, 3, H, W), []
    objective = Objective(y, Same(), Misfit(torch.ones_like(y)), plain=False)
    x = video * 1
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        losses = objective(x, [], 0.7)
    assert sum(kept) == 0
    losses.back()
    assert video.grad is not None


def test_towards_a_start_the_measurements_do_not_pull(draw):
    start, x = draw(N, 3, H, W), draw(N, 3, H, W).requires_grad_()
    y, seen = draw(N, 3, H, W), (draw(N, 3, H, W) > 0.2).float()
    misfit = Misfit(seen)
    losses = Objective(y, Same(), misfit, plain=False).towards(start, x)
    losses.back()
    torch.testing.assert_close(x.grad, 2 * (x.detach() - start) / x.numel())
    assert (losses.data.item(), losses.held_out) == pytest.approx(misfit.errors(x.detach() - y))
    assert losses.warp == 0
    assert losses.fit.item() == pytest.approx((x.detach() - start).square().mean().item())
