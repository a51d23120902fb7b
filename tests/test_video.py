"""x_n = D1(W_n(D2(R(z_shared))) + r_n): what all frames share, what each adds, and where."""

import dataclasses

import pytest
import torch
from tests.toy_prior import ToyPrior
from torch import Tensor

from oneseed.flow.still import Still
from oneseed.journal import Baton
from oneseed.prior.base import JOINTS, Joint, cut
from oneseed.recipe import Recipe
from oneseed.video import Video

RECIPE = Recipe(follow_motion=False, rank=2, radius=0.1)


def video(recipe: Recipe = RECIPE, shape: tuple[int, int, int, int] = (3, 3, 16, 24), seed: int = 0) -> Video:
    generator = torch.Generator().manual_seed(seed)
    return Video(ToyPrior(), shape, recipe, generator, torch.device("cpu"))


def joined(joint: Joint, **changes: object) -> Recipe:
    return dataclasses.replace(RECIPE, joint=joint, **changes)


def speak(v: Video, size: float = 1.0) -> None:
    """Give the residuals something to add."""
    with torch.no_grad():
        v.residual.B.copy_(size * torch.randn(v.residual.B.shape, generator=torch.Generator().manual_seed(5)))


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_without_residuals_every_joint_is_the_same_still_video(joint: Joint, steps: int):
    prior = ToyPrior()
    v = video(joined(joint, steps=steps))
    frame = prior.decode_tail(prior.decode_body(prior.reverse(v.z_shared, steps, "trailing")))
    torch.testing.assert_close(v(), frame.expand(3, -1, -1, -1))


def test_the_seed_is_drawn_from_the_standard_normal_law():
    z = video(shape=(1, 3, 256, 256)).z_shared
    assert abs(z.mean().item()) < 0.05
    assert abs(z.std().item() - 1) < 0.05
    assert torch.equal(z, video(shape=(1, 3, 256, 256)).z_shared)
    assert not torch.equal(z, video(shape=(1, 3, 256, 256), seed=1).z_shared)


@pytest.mark.parametrize(
    ("joint", "equation"),
    [
        ("seed", lambda p, z, r: p.decode_tail(p.decode_body(p.reverse(z + r, 4, "trailing")))),  # eq 7
        ("latent", lambda p, z, r: p.decode_tail(p.decode_body(p.reverse(z, 4, "trailing") + r))),  # eq 11
        ("feature", lambda p, z, r: p.decode_tail(p.decode_body(p.reverse(z, 4, "trailing")) + r)),  # eq 12
    ],
)
def test_residuals_enter_where_the_equations_say(joint: Joint, equation):
    v = video(joined(joint))
    speak(v)
    prior = ToyPrior()
    for n, x in enumerate(v()):
        torch.testing.assert_close(x[None], equation(prior, v.z_shared, v.residual.frame(n)))


@pytest.mark.parametrize("moves", [False, True])
def test_the_plain_video_is_the_same(moves: bool):
    recipe = dataclasses.replace(RECIPE, follow_motion=moves)
    fast, plain = (
        Video(ToyPrior(), (3, 3, 16, 24), recipe, torch.Generator().manual_seed(0), torch.device("cpu"), plain=plain)
        for plain in (False, True)
    )
    found = []
    for v in (fast, plain):
        speak(v)
        v.begin_at(smooth(v.prior, 16, 24).expand(3, -1, -1, -1), shift(2))
        x = v()
        found.append((x, *torch.autograd.grad(x.square().sum(), v.learnt())))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_an_unknown_joint_is_not_cut():
    with pytest.raises(Exception, match="nowhere"):
        cut(ToyPrior(), "nowhere", 4, "trailing")  # type: ignore[arg-type]


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize("size", [(37, 29), (8, 8), (1, 5), (16, 17)])
def test_any_size_is_covered_and_cropped(joint: Joint, size: tuple[int, int]):
    v = video(joined(joint), (2, 3, *size))
    speak(v)
    whole = v.tail(v.head(v.z_shared) + v.residual())
    x = v()
    assert x.shape == (2, 3, *size)
    assert all(spare < 8 for spare in (whole.shape[2] - size[0], whole.shape[3] - size[1]))
    torch.testing.assert_close(x, whole[..., : size[0], : size[1]])


@pytest.mark.parametrize("joint", JOINTS)
def test_gradients_reach_the_seed_and_both_factors_of_every_frame(joint: Joint, draw):
    v = video(joined(joint))
    speak(v, 0.1)
    (v() - draw(3, 3, 16, 24)).square().sum().backward()
    for parameter in (v.z_shared, v.residual.A, v.residual.B):
        assert parameter.grad is not None
        assert (parameter.grad.flatten(1) != 0).any(1).all()


def test_one_frames_residual_leaves_the_others_alone():
    v = video()
    before = v()
    with torch.no_grad():
        v.residual.B[1] = 1
    changed = (v() != before).flatten(1).any(1)
    assert changed.tolist() == [False, True, False]


def smooth(prior: ToyPrior, height: int, width: int) -> Tensor:
    """One picture that the prior can make."""
    latent = torch.randn(1, *prior.seed_shape(height, width), generator=torch.Generator().manual_seed(7))
    return prior.decode_tail(prior.decode_body(latent))


def test_it_begins_near_the_key_frame():
    prior = ToyPrior()
    key = smooth(prior, 32, 48)
    x = torch.cat([0 * key, key, 0 * key])
    v = video(shape=(3, 3, 32, 48))
    far = (v() - key).square().mean()
    v.begin_at(x, Still().estimate)
    assert (v() - key).square().mean() < 0.2 * far
    assert v.motion == []


def shift(pixels: float):
    """An estimate that believes in a pan: each frame lies `pixels` further to the right than the one before."""

    def estimate(here: Tensor, there: Tensor) -> Tensor:
        assert there.shape == here.shape
        flow = here.new_zeros(len(here), 2, *here.shape[-2:])
        flow[:, 0] = torch.arange(len(here)).sub(len(here) // 2).mul(-pixels)[:, None, None]
        return flow

    return estimate


def test_following_motion_moves_the_features_themselves():
    v = video(dataclasses.replace(RECIPE, follow_motion=True), (3, 3, 32, 48))
    v.begin_at(smooth(v.prior, 32, 48).expand(3, -1, -1, -1), shift(4))
    before, key, after = v().detach()
    inside = slice(8, -8)
    torch.testing.assert_close(before[..., inside], key.roll(-4, -1)[..., inside], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after[..., inside], key.roll(4, -1)[..., inside], rtol=1e-4, atol=1e-5)
    assert not torch.equal(before, key)


def test_motion_reaches_into_what_is_cropped_away():
    """The flow is known for 29 of 32 columns; the rest moves as the last one known."""
    v = video(dataclasses.replace(RECIPE, follow_motion=True), (3, 3, 37, 29))
    v.begin_at(smooth(v.prior, 37, 29)[..., :37, :29].expand(3, -1, -1, -1), shift(2))
    assert v().shape == (3, 3, 37, 29)
    for warp, flow in zip(v.motion, (2, 0, -2), strict=True):
        assert warp.flow.shape == (1, 2, 40, 32)
        assert (warp.flow[:, 0] == flow).all()


def test_gradients_reach_everything_through_motion(draw):
    v = video(dataclasses.replace(RECIPE, follow_motion=True))
    v.begin_at(draw(3, 3, 16, 24), shift(3))
    speak(v, 0.1)
    (v() - draw(3, 3, 16, 24)).square().sum().backward()
    for parameter in (v.z_shared, v.residual.A, v.residual.B):
        assert parameter.grad is not None
        assert (parameter.grad.flatten(1) != 0).any(1).all()


@pytest.mark.parametrize("later", [0, 2, 7])
def test_it_begins_with_what_the_window_before_has_learnt(later: int):
    """Frames that both have keep their residuals; those that are new begin without."""
    before, after, bare = video(seed=1), video(), video(seed=1)
    speak(before)
    assert after.begin_with(Baton([value.detach() for value in before.learnt()], later))
    assert torch.equal(after.z_shared, before.z_shared)
    common = max(3 - later, 0)
    torch.testing.assert_close(after(), torch.cat([before()[3 - common :], bare()[common:]]))


def test_what_a_window_of_another_size_has_learnt_is_left_alone():
    before, after, untouched = video(shape=(3, 3, 16, 16), seed=1), video(), video()
    assert not after.begin_with(Baton([value.detach() for value in before.learnt()], 1))
    assert all(torch.equal(a, b) for a, b in zip(after.learnt(), untouched.learnt(), strict=True))


def test_a_shorter_window_hands_on_what_it_has():
    before, after, bare = video(shape=(2, 3, 16, 24), seed=1), video(), video(seed=1)
    speak(before)
    assert after.begin_with(Baton([value.detach() for value in before.learnt()], 1))
    torch.testing.assert_close(after(), torch.cat([before()[1:], bare()[:2]]))
