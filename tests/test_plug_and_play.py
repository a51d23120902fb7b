"""Between a denoiser and the measurements."""

from typing import Any

import pytest
import torch
from tests.small_problem import moving, rightwards
from tests.toy_denoiser import ToyDenoiser
from torch import Tensor
from torch.nn.functional import avg_pool2d

from oneseed import plug_and_play
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.least_squares import Terms
from oneseed.warp import Estimate

RUN: dict[str, Any] = {
    "spread": 2.0, "noise": 0.01, "strongest": 0.1, "weakest": 0.03, "doubt": 2.0, "doubt_alone": 1.0, "motion_from": 0.1,
    "motion_to": 0.05, "contrast": 0.0, "reach": 1, "interpolation": "cubic", "rounds": 3, "steps": 5,
}  # fmt: skip

blur = ToyDenoiser().denoise


def known(*shape: int) -> Tensor:
    """The same numbers in [0, 1) at every call."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


TRUTH = moving(known, 3, 20)
Y = Mask(0.5)(TRUTH)


def refined(x: Tensor = Y, denoise: plug_and_play.Denoise = blur, **changes: Any) -> Tensor:
    given = RUN | {"seen": torch.ones_like(Y)} | changes
    return plug_and_play.refine(Y, Mask(0.5), x, rightwards, denoise, **given)


@pytest.mark.parametrize(
    ("name", "other"),
    [("noise", 0.1), ("strongest", 0.2), ("weakest", 0.01), ("doubt", 0.5), ("doubt_alone", 2.0), ("motion_from", 0.2),
     ("motion_to", 0.01), ("reach", 2), ("rounds", 2), ("steps", 2)],
)  # fmt: skip
def test_every_setting_acts(name: str, other: float):
    assert not torch.equal(refined(), refined(**{name: other}))


def test_motion_is_robust_where_pixels_are_mixed_and_nowhere_else():
    """By each pixel's own error; a mask's missing pixels have only their guess to go by."""
    assert torch.equal(refined(), refined(contrast=0.01))
    A = Downsample(2)
    y = A(TRUTH)
    given = RUN | {"seen": torch.ones_like(y)}
    plain, robust, more = (
        plug_and_play.refine(y, A, TRUTH, rightwards, blur, **given | {"contrast": contrast})
        for contrast in (0.0, 0.1, 0.01)
    )
    assert not torch.equal(plain, robust)
    assert not torch.equal(robust, more)


def test_the_strength_falls_in_equal_ratios():
    told = []

    def listens(x: Tensor, sigma: float) -> Tensor:
        told.append(sigma)
        return x

    refined(denoise=listens, strongest=0.16, weakest=0.01, rounds=5)
    assert told == pytest.approx([0.16, 0.08, 0.04, 0.02, 0.01, RUN["noise"]])
    told.clear()
    refined(denoise=listens, rounds=1)
    assert told == [0.1, RUN["noise"]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Terms]:
    """What each solve is told, in place of solving."""
    told = []

    def listens(y: Tensor, degrade: Any, x: Tensor, terms: Terms, steps: int) -> Tensor:
        told.append(terms)
        return x

    monkeypatch.setattr(plug_and_play, "solve", listens)
    return told


def test_the_trust_in_motion_grows_in_equal_ratios(told: list[Terms]):
    refined(motion_from=0.16, motion_to=0.01, rounds=5)
    assert [terms.motion_sd for terms in told] == pytest.approx([0.16, 0.08, 0.04, 0.02, 0.01])


def test_what_was_denoised_is_doubted_more_where_motion_confirms_it(told: list[Terms]):
    partly_moving = torch.cat([TRUTH[..., :14], known(3, 3, 20, 6)], -1)
    refined(partly_moving, lambda x, sigma: x, strongest=0.1, weakest=0.02, doubt=6.0, doubt_alone=1.5, rounds=2)
    for terms, sigma in zip(told, (0.1, 0.02), strict=True):
        sd = terms.near_sd
        assert isinstance(sd, Tensor)
        torch.testing.assert_close(sd[..., 4:10], torch.full((3, 1, 20, 6), 6 * sigma))
        torch.testing.assert_close(sd[..., 17:], torch.full((3, 1, 20, 3), 1.5 * sigma), rtol=1e-3, atol=0)


def test_a_frame_alone_is_confirmed_by_none(told: list[Terms]):
    alone = TRUTH[:1]
    plug_and_play.refine(
        alone, Mask(0.5), alone, rightwards, blur, **RUN | {"rounds": 1, "seen": torch.ones_like(alone)}
    )
    torch.testing.assert_close(told[0].near_sd, torch.full((1, 1, 20, 20), RUN["doubt_alone"] * RUN["strongest"]))


SMOOTH = avg_pool2d(moving(known, 4), 3, 1, 1)
SOME = (known(*SMOOTH.shape) > 0.2).float()


def still(here: Tensor, there: Tensor) -> Tensor:
    return here.new_zeros(len(here), 2, *here.shape[-2:])


def chosen(estimate: Estimate = rightwards, spread: float = 3.0, motion_sd: float = 0.3) -> Tensor:
    """Of a texture that moves by whole pixels, half of them missing, from a blurred version of it."""
    given = RUN | {"noise": 0.001, "doubt": 6.0, "doubt_alone": 1.5, "rounds": 5, "steps": 15}
    given |= {"seen": SOME, "spread": spread, "motion_from": motion_sd, "motion_to": motion_sd}
    A = Mask(0.5)
    return plug_and_play.refine(A(SMOOTH), A, avg_pool2d(SMOOTH, 3, 1, 1), estimate, blur, **given)


@pytest.mark.parametrize(
    ("estimate", "motion_sd"),
    [(rightwards, 1.0), (still, 0.3), (still, 0.03)],
    ids=["unused", "wrong", "wrong and trusted"],
)
def test_what_was_held_out_chooses_how_much_motion_counts(estimate: Estimate, motion_sd: float):
    fixed, free = ((chosen(estimate, spread, motion_sd) - SMOOTH).square().mean() for spread in (1.0, 3.0))
    assert free < 0.85 * fixed


def test_the_choice_sees_some_measurements_and_the_last_round_all(monkeypatch: pytest.MonkeyPatch):
    used, plain = [], plug_and_play.solve

    def watched(y: Tensor, degrade: Any, x: Tensor, terms: Terms, steps: int) -> Tensor:
        assert torch.equal(degrade(SMOOTH), y)
        used.append("some" if torch.equal(y, all_of_it * SOME) else "all" if torch.equal(y, all_of_it) else "others")
        return plain(y, degrade, x, terms, steps)

    all_of_it = Mask(0.5)(SMOOTH)
    monkeypatch.setattr(plug_and_play, "solve", watched)
    chosen()
    assert used[:2] == ["some", "some"]
    assert used[-1] == "all"
    assert set(used) == {"some", "all"}
    used.clear()
    chosen(spread=1.0)
    assert used == ["all"] * 5


def test_no_rounds_leave_the_video_as_it_is():
    x = known(3, 3, 20, 20)
    assert refined(x, rounds=0) is x


def test_it_ends_near_the_measurements_and_near_what_was_denoised():
    """A denoiser that knows the answer: the nearer it is believed to be, the nearer the result."""
    noise = 0.05 * torch.randn(TRUTH.shape, generator=torch.Generator().manual_seed(1))
    errors = [
        (
            refined(
                Y,
                lambda x, sigma: x if sigma == RUN["noise"] else TRUTH + noise,
                doubt=doubt,
                doubt_alone=doubt,
                motion_from=1e3,
                motion_to=1e3,
                steps=20,
            )
            - TRUTH
        )
        .square()
        .mean()
        for doubt in (0.1, 10.0)
    ]
    assert errors[0] == pytest.approx(noise.square().mean().item(), rel=0.2)  # what was denoised, and nothing else
    assert errors[1] < 0.6 * errors[0]  # half of the pixels were measured
