"""The data term, fast and as it is written, and what was held out."""

import torch

from oneseed.misfit import Misfit


def parts(draw, share: float = 0.3):
    gap, seen = draw(3, 3, 8, 6, dtype=torch.float64) - 0.5, draw(3, 1, 8, 6) >= share
    return gap.requires_grad_(), seen.double().expand(3, 3, 8, 6)


def test_values_and_gradients_are_the_plain_ones(draw):
    gap, seen = parts(draw)
    fast, plain = Misfit(seen).data(gap), Misfit(seen, plain=True).data(gap)
    torch.testing.assert_close(fast, plain)
    torch.testing.assert_close(plain, gap[seen.bool()].square().mean())
    one, other = (torch.autograd.grad(3 * loss, gap)[0] for loss in (fast, plain))
    torch.testing.assert_close(one, other)
    assert one[seen == 0].abs().max() == 0


def test_a_gradient_is_that_of_finite_differences(draw):
    gap, seen = parts(draw)
    assert torch.autograd.gradcheck(Misfit(seen).data, gap)


def test_one_video_waits_for_the_way_back(draw):
    gap, seen = parts(draw)
    kept: list[int] = []
    misfit = Misfit(seen)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        misfit.data(gap)
    assert sum(kept) <= gap.numel() + 1


def test_what_is_held_out_is_not_in_the_data_term_and_the_other_way_round(draw):
    gap, seen = parts(draw)
    misfit, (data, held_out) = Misfit(seen), Misfit(seen).errors(gap)
    torch.testing.assert_close(held_out, gap.detach()[seen == 0].square().mean().item())
    changed = gap.detach() + (1 - seen)
    assert misfit.errors(changed)[0] == data
    assert misfit.errors(changed)[1] != held_out
    assert Misfit(torch.ones_like(gap)).errors(gap)[1] is None
