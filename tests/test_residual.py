"""r_n = A_n B_n: how it starts, how large it is, and the ball that it stays in."""

import math

import pytest
import torch

from oneseed.residual import LowRankResidual


def residual(frames=3, shape=(5, 6, 7), rank=2, radius=1.0, size=0.0) -> LowRankResidual:
    """With B drawn at this size, where it would start at 0."""
    generator = torch.Generator().manual_seed(0)
    r = LowRankResidual(frames, shape, rank, radius, generator).double()
    with torch.no_grad():
        r.B.copy_(size * torch.randn(r.B.shape, generator=generator))
    return r


def test_a_fresh_residual_is_silent_but_can_learn():
    r = LowRankResidual(2, (5, 6, 7), 2, 1.0, torch.Generator().manual_seed(0))
    assert r().shape == (2, 5, 6, 7)
    assert (r() == 0).all()
    assert r.rms() == 0
    (r() - 1).square().sum().backward()
    assert r.B.grad is not None
    assert (r.B.grad != 0).all()
    with torch.no_grad():
        r.B -= 0.01 * r.B.grad
    r.zero_grad()
    (r() - 1).square().sum().backward()
    assert r.A.grad is not None
    assert (r.A.grad != 0).all()


def test_the_generator_draws_it():
    one, same = residual(), residual()
    assert torch.equal(one.A, same.A)
    other = LowRankResidual(3, (5, 6, 7), 2, 1.0, torch.Generator().manual_seed(1))
    assert not torch.equal(one.A, other.A.double())


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_each_frame_and_channel_has_the_rank_asked_for(rank: int):
    r = residual(rank=rank, size=1.0)
    assert torch.linalg.matrix_rank(r()).eq(rank).all()


def test_rank_does_not_change_how_fast_a_residual_grows():
    """With A / √k, a step of B by one everywhere moves r by the same root mean square at every rank, on average."""
    sizes = []
    for rank in (1, 16):
        r = LowRankResidual(1, (64, 32, 8), rank, 1.0, torch.Generator().manual_seed(0))
        with torch.no_grad():
            r.B.fill_(1.0)
        sizes.append(r.rms())
    assert sizes == pytest.approx([1, 1], rel=0.1)


def test_norms_are_those_of_the_residuals_themselves():
    r = residual(size=0.7)
    torch.testing.assert_close(r.norms(), r().flatten(1).norm(dim=1))
    assert r.rms() == pytest.approx(r().square().mean().sqrt().item())


def test_one_frame_alone_is_that_frame():
    r = residual(size=1.0)
    for n in range(3):
        assert torch.equal(r.frame(n), r()[n : n + 1])


def test_the_ball_ends_at_c_root_dim():
    assert residual(radius=0.5).limit == 0.5 * math.sqrt(5 * 6 * 7)


def test_projection_pulls_in_only_what_is_outside_and_keeps_its_direction():
    r = residual(size=1.0)
    with torch.no_grad():
        r.B[0] *= 1e-3
        r.B[1] *= 1e3
    before = r().detach()
    factors = r.A[0].clone(), r.B[0].clone()
    r.project_()
    after = r().detach()
    assert torch.equal(r.A[0], factors[0])
    assert torch.equal(r.B[0], factors[1])
    assert after[1].norm().item() == pytest.approx(r.limit, rel=1e-12)
    torch.testing.assert_close(after[1] / after[1].norm(), before[1] / before[1].norm())
    assert (r.norms() <= r.limit * (1 + 1e-12)).all()


def test_projection_shares_the_shrinking_between_both_factors():
    """Eq 13: each is divided by the root of the excess."""
    r = residual(frames=1, size=1e3)
    A, B = r.A.clone(), r.B.clone()
    excess = (r.norms() / r.limit).sqrt().item()
    r.project_()
    torch.testing.assert_close(r.A, A / excess)
    torch.testing.assert_close(r.B, B / excess)


def test_projecting_twice_is_projecting_once():
    r = residual(size=1e3)
    r.project_()
    once = r().detach()
    r.project_()
    torch.testing.assert_close(r(), once, rtol=1e-12, atol=0)


def test_a_silent_residual_survives_projection():
    r = residual()
    r.project_()
    assert torch.equal(r(), torch.zeros(3, 5, 6, 7).double())
    assert r.A.isfinite().all()


def test_an_infinite_radius_never_binds():
    r = residual(radius=math.inf, size=1e3)
    before = r().detach()
    r.project_()
    assert torch.equal(r(), before)
