"""The data term, fast and as it is written, and what was held out."""

import torch

from oneseed.misfit import Misfit


def parts(draw, share: float = 0.3):
    gap, seen = draw(3, 3, 8, 6, dtype=torch.float64) - 0.5, draw(3, 1, 8, 6) >= share
    return gap.requires_grad_(), seen.double().expand(3, 3, 8, 6)


def test_the_slope_is_the_gradient(draw):
    gap, seen = parts(draw)
    plain = Misfit(seen).data(gap)
    torch.testing.assert_close(plain, gap[seen.bool()].square().mean())
    (gradient,) = torch.autograd.grad(plain, gap)
    slope = gap.detach().clone()
    torch.testing.assert_close(Misfit(seen).to_slope_(slope), plain.detach())
    torch.testing.assert_close(slope, gradient)
    assert slope[seen == 0].abs().max() == 0


def test_what_is_held_out_is_not_in_the_data_term_and_the_other_way_round(draw):
    gap, seen = parts(draw)
    misfit, (data, held_out) = Misfit(seen), Misfit(seen).errors(gap)
    torch.testing.assert_close(held_out, gap.detach()[seen == 0].square().mean().item())
    changed = gap.detach() + (1 - seen)
    assert misfit.errors(changed)[0] == data
    assert misfit.errors(changed)[1] != held_out
    assert Misfit(torch.ones_like(gap)).errors(gap)[1] is None


def test_shares_of_frames_add_up(draw):
    gap, seen = parts(draw)
    gap, whole = gap.detach(), Misfit(seen)
    shares = [(whole.share(part), gap[part].clone()) for part in (slice(0, 2), slice(2, 3))]
    held_out = sum(share.held_out(some) for share, some in shares)
    torch.testing.assert_close(held_out, whole.held_out(gap))
    data, slope = sum(share.to_slope_(some) for share, some in shares), gap.clone()
    torch.testing.assert_close(data, whole.to_slope_(slope))
    torch.testing.assert_close(torch.cat([some for _, some in shares]), slope)
