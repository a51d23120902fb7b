"""Adam by frames is PyTorch's Adam."""

import pytest
import torch
from torch import Tensor, nn

from oneseed.adam import Adam
from oneseed.journal import of_adam, to_adam

FRAMES = 3


def parameters(draw) -> list[nn.Parameter]:
    return [nn.Parameter(draw(*shape)) for shape in ((1, 4, 2, 2), (FRAMES, 4, 6, 2), (FRAMES, 4, 2, 5))]


def copies(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    return [nn.Parameter(parameter.detach().clone()) for parameter in parameters]


def by_frames(adam: Adam, z: nn.Parameter, gradients: list[Tensor]) -> None:
    z.grad = gradients[0]
    for n in range(FRAMES):
        adam.learn(n, *(gradient[n].clone() for gradient in gradients[1:]))
    adam.step()
    adam.zero_grad()


@pytest.mark.parametrize("fused", [True, False])
def test_frame_by_frame_is_all_at_once(draw, fused: bool):
    """And what frames learnt in one step they go on with in the next, be it taken so or so, or by another that was told."""
    whole = parameters(draw)
    ours, again = copies(whole), copies(whole)
    plain = torch.optim.Adam([{"params": whole[:1], "lr": 0.1}, {"params": whole[1:], "lr": 0.03}], fused=False)
    adam = Adam(ours[0], ours[1:], 0.1, 0.03, fused)
    for step in range(6):
        gradients = [draw(*parameter.shape) - 0.5 for parameter in whole]
        for parameter, gradient in zip(whole, gradients, strict=True):
            parameter.grad = gradient
        plain.step()
        if step == 2:  # some step for all together
            for parameter, gradient in zip(ours, gradients, strict=True):
                parameter.grad = gradient
            adam.step()
            adam.zero_grad()
        else:
            by_frames(adam, ours[0], gradients)
        if step == 3:
            again = copies(ours)
            other = Adam(again[0], again[1:], 0.1, 0.03, fused)
            to_adam(other, of_adam(adam))
            ours, adam = again, other
        if step == 4:  # the search changes it
            plain.param_groups[1]["lr"] = adam.param_groups[1]["lr"] = 0.01
        for one, parameter in zip(ours, whole, strict=True):
            torch.testing.assert_close(one, parameter)
    assert {name: int(value) for name, value in of_adam(adam).items() if "step" in name} == dict.fromkeys(
        ("adam.0.step", "adam.1.step", "adam.2.step"), 6
    )


def test_a_step_after_one_by_frames_moves_only_what_received_something(draw):
    z, A, B = parameters(draw)
    adam = Adam(z, [A, B], 0.1, 0.03, fused=True)
    by_frames(adam, z, [torch.ones_like(each) for each in (z, A, B)])
    before, steps = A.detach().clone(), int(adam.state[A]["step"])
    adam.step()
    assert torch.equal(A, before)
    assert int(adam.state[A]["step"]) == steps == 1
