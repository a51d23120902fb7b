"""R: against exact arithmetic, against diffusers, and against itself."""

from collections.abc import Callable
from decimal import Decimal, localcontext

import pytest
import torch
from tests.toy_prior import ToyPrior
from torch import Tensor, nn

from oneseed import ddim
from oneseed.ddim import Prediction, Schedule
from oneseed.errors import RequestError

SPACINGS: list[ddim.Spacing] = ["trailing", "leading", "linspace"]
BETAS = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
ABAR = (1 - BETAS).cumprod(0)


def schedule_of(abar: Tensor, final: float = 1.0, prediction: Prediction = "epsilon", grid: int = 1) -> Schedule:
    return Schedule(tuple(abar.tolist()), final, prediction, grid)


SCHEDULE = schedule_of(ABAR)


def gaussian_draw(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def net() -> Callable[[Tensor, int], Tensor]:
    """An eps that is neither linear nor the same at every t."""
    weight = gaussian_draw(4, 4, 3, 3) / 6
    return lambda z, t: torch.tanh(nn.functional.conv2d(z, weight, padding=1) + t / 1000)


def exact_gain(visited: list[int], slope: Decimal) -> Decimal:
    """What R multiplies z by if eps(z, t) = slope * z, in 50 digits: g(z) = √b (z − √(1−a) s) / √a + √(1−b) s."""
    with localcontext() as context:
        context.prec = 50
        low, high = Decimal("0.00085").sqrt(), Decimal("0.012").sqrt()
        abar, alphas = Decimal(1), []
        for i in range(1000):
            abar *= 1 - (low + (high - low) * i / 999) ** 2
            alphas.append(abar)
        z = Decimal(1)
        for t, t_next in zip(visited, [*visited[1:], None], strict=True):
            a, b = alphas[t], alphas[t_next] if t_next is not None else Decimal(1)
            s = slope * z
            z = b.sqrt() * (z - (1 - a).sqrt() * s) / a.sqrt() + (1 - b).sqrt() * s
        return z


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [1, 2, 4, 10])
def test_reverse_is_right_to_the_last_digits(steps: int, spacing: ddim.Spacing):
    gain = exact_gain(ddim.timesteps(steps, 1000, spacing), Decimal("0.9"))
    z = gaussian_draw(2, 4, 3, 5)
    found = ddim.reverse(z, lambda z, t: 0.9 * z, SCHEDULE, steps, spacing)
    torch.testing.assert_close(found, float(gain) * z, rtol=1e-11, atol=0)


@pytest.mark.parametrize(
    ("spacing", "visited"),
    [("trailing", [999, 749, 499, 249]), ("leading", [751, 501, 251, 1]), ("linspace", [999, 666, 333, 0])],
)
def test_the_steps_visited_are_known(spacing: ddim.Spacing, visited: list[int]):
    assert ddim.timesteps(4, 1000, spacing) == visited
    assert ddim.timesteps(0, 1000, spacing) == []


@pytest.mark.parametrize("spacing", SPACINGS)
def test_every_trained_step_can_be_visited_and_no_more(spacing: ddim.Spacing):
    visited = ddim.timesteps(1000, 1000, spacing)
    assert visited == sorted(visited, reverse=True)
    assert 0 <= visited[-1] <= visited[0] == 999
    assert len(visited) == 1000
    with pytest.raises(RequestError, match="steps=1001; the prior has no more than 1000"):
        ddim.timesteps(1001, 1000, spacing)


@pytest.mark.parametrize("spacing", ["trailing", "leading"])
@pytest.mark.parametrize("steps", [1, 3, 4, 7, 10, 50])
def test_the_steps_visited_are_those_of_diffusers(steps: int, spacing: ddim.Spacing):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    scheduler = DDIMScheduler(1000, timestep_spacing=spacing, steps_offset=1)
    scheduler.set_timesteps(steps)
    assert ddim.timesteps(steps, 1000, spacing) == scheduler.timesteps.tolist()


@pytest.mark.parametrize("steps", [1, 2, 4, 10])
def test_reverse_is_what_diffusers_does_where_its_steps_are_consistent(steps: int, net: Callable):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    scheduler = DDIMScheduler(
        1000, 0.00085, 0.012, "scaled_linear", timestep_spacing="trailing", clip_sample=False, set_alpha_to_one=True
    )
    scheduler.set_timesteps(steps)
    z = theirs = gaussian_draw(2, 4, 6, 5)
    for t in scheduler.timesteps:
        theirs = scheduler.step(net(theirs, int(t)), int(t), theirs).prev_sample
    abar = scheduler.alphas_cumprod.double()  # its own roots are taken in single precision
    torch.testing.assert_close(ddim.reverse(z, net, schedule_of(abar), steps), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_recomputing_changes_neither_values_nor_gradients(steps: int, net: Callable):
    z, weight = gaussian_draw(1, 4, 6, 5), gaussian_draw(1, 4, 6, 5, seed=4)
    plain, lean = z.clone().requires_grad_(), z.clone().requires_grad_()
    one = ddim.reverse(plain, net, SCHEDULE, steps)
    two = ddim.reverse(lean, net, SCHEDULE, steps, checkpoint=True)
    assert torch.equal(one, two)
    assert torch.equal(torch.autograd.grad(one, plain, weight)[0], torch.autograd.grad(two, lean, weight)[0])


def test_recomputing_keeps_only_what_goes_into_a_step():
    kept = []

    def deep(z: Tensor, t: int) -> Tensor:
        for _ in range(10):
            z = torch.sin(z)
        return z

    for recompute in (False, True):
        with torch.autograd.graph.saved_tensors_hooks(lambda x: kept[-1].append(x.numel()) or x, lambda x: x):
            kept.append([])
            ddim.reverse(gaussian_draw(1, 1, 9, 9).requires_grad_(), deep, SCHEDULE, 4, checkpoint=recompute)
    assert sum(kept[1]) < sum(kept[0]) / 5


@pytest.mark.parametrize("spacing", SPACINGS)
def test_no_steps_are_the_identity(spacing: ddim.Spacing, net: Callable):
    z = gaussian_draw(1, 4, 2, 2)
    assert torch.equal(ddim.reverse(z, net, SCHEDULE, 0, spacing), z)
    assert torch.equal(ddim.invert(z, net, SCHEDULE, 0, spacing), z)


@pytest.mark.parametrize("recompute", [False, True])
def test_gradients_are_those_of_finite_differences(net: Callable, recompute: bool):
    z = gaussian_draw(1, 4, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: ddim.reverse(z, net, SCHEDULE, 4, checkpoint=recompute), (z,))


@pytest.mark.parametrize(
    ("steps", "spacing"),  # two steps of linspace leap from noise to picture at once: nothing inverts that
    [(2, "trailing"), (2, "leading"), *((steps, spacing) for steps in (4, 10) for spacing in SPACINGS)],
)
def test_reverse_takes_an_inverted_latent_near_itself(steps: int, spacing: ddim.Spacing):
    prior = ToyPrior(torch.float64)
    latent = gaussian_draw(2, 4, 3, 3)
    back = prior.reverse(prior.invert(latent, steps, spacing), steps, spacing)
    assert (back - latent).norm() < 0.2 * latent.norm()


@pytest.mark.parametrize(("steps", "rounds"), [(1, 6000), (4, 200)])
def test_with_enough_rounds_the_inverse_is_exact(steps: int, rounds: int):
    prior, latent = ToyPrior(torch.float64), gaussian_draw(1, 4, 2, 2)
    seed = ddim.invert(latent, prior.eps, prior.schedule, steps, rounds=rounds)
    torch.testing.assert_close(prior.reverse(seed, steps, "trailing"), latent, rtol=1e-9, atol=1e-9)


def test_inverting_leaves_no_graph(net: Callable):
    assert not ddim.invert(gaussian_draw(1, 4, 2, 2).requires_grad_(), net, SCHEDULE, 4).requires_grad


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_what_is_predicted_makes_no_difference_to_who_knows_the_picture(prediction: Prediction):
    """Unit-Gaussian latents: the best guesses of s, z_0 and their mixture are known, and all lead to the same latent."""
    z = gaussian_draw(1, 4, 3, 3)

    def knows(z: Tensor, t: int) -> Tensor:
        a = ABAR[t].item()
        return {"epsilon": (1 - a) ** 0.5 * z, "sample": a**0.5 * z, "v_prediction": 0 * z}[prediction]

    schedule = schedule_of(ABAR, prediction=prediction)
    found = ddim.reverse(z, knows, schedule, 4)
    torch.testing.assert_close(found, ddim.reverse(z, lambda z, t: (1 - ABAR[t].item()) ** 0.5 * z, SCHEDULE, 4))
    inverted = ddim.invert(found, knows, schedule, 4, rounds=400)
    torch.testing.assert_close(ddim.reverse(inverted, knows, schedule, 4), found, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("to_one", [True, False])
def test_reverse_is_what_diffusers_does_whatever_is_predicted_and_wherever_it_ends(
    prediction: Prediction, to_one: bool, net: Callable
):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    scheduler = DDIMScheduler(
        1000, 0.00085, 0.012, "scaled_linear", timestep_spacing="trailing", clip_sample=False, set_alpha_to_one=to_one,
        prediction_type=prediction,
    )  # fmt: skip
    scheduler.set_timesteps(4)
    z = theirs = gaussian_draw(2, 4, 6, 5)
    for t in scheduler.timesteps:
        theirs = scheduler.step(net(theirs, int(t)), int(t), theirs).prev_sample
    schedule = schedule_of(scheduler.alphas_cumprod.double(), float(scheduler.final_alpha_cumprod), prediction)
    torch.testing.assert_close(ddim.reverse(z, net, schedule, 4), theirs, rtol=1e-5, atol=1e-5)


def test_a_seed_may_be_pure_noise_where_v_is_predicted(net: Callable):
    """Zero terminal signal (Lin et al. 2024): at the first step nothing is divided by alpha-bar."""
    abar = ABAR.clone()
    abar[-1] = 0
    z = gaussian_draw(1, 4, 3, 3)
    assert ddim.reverse(z, net, schedule_of(abar, prediction="v_prediction"), 4).isfinite().all()


def test_only_trained_steps_are_visited():
    assert schedule_of(ABAR, grid=20).visited(4, "trailing") == [999, 759, 499, 259]
    assert schedule_of(ABAR, grid=20).visited(1, "leading") == [19]
    for steps in (1, 2, 3, 4, 8):
        assert all((t + 1) % 20 == 0 for t in schedule_of(ABAR, grid=20).visited(steps, "trailing"))
    assert SCHEDULE.visited(4, "trailing") == [999, 749, 499, 249]
