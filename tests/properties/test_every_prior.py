"""What holds for every prior: the chain, its sizes, its gradients; and `tiny` against diffusers itself."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.small_checkpoints import small_checkpoint
from tests.small_tiny import small_tiny
from tests.toy_prior import ToyPrior
from torch import Tensor

from oneseed import registry
from oneseed.errors import RequestError
from oneseed.last_layer import LastLayer
from oneseed.load import load_prior
from oneseed.prior._frozen import frozen
from oneseed.prior.base import JOINTS, Joint, Prior, cut
from oneseed.prior.diffusers import Diffusers
from oneseed.prior.tiny import PARTS, Tiny
from oneseed.recipe import Recipe
from oneseed.video import Video

NAMES = ["toy", *registry.choices("prior")]
SIZES = [(8, 8), (16, 24), (37, 29), (1, 5), (32, 33)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_tiny(tmp_path_factory.mktemp("prior"))


@pytest.fixture(scope="module")
def priors(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A prior that is new in the room must be built small here: to build it as it is shipped would take too long."""
    checkpoint = small_checkpoint("sd1", tmp_path_factory.mktemp("checkpoint"))
    return {"toy": ToyPrior(), "tiny": Tiny(folder), "diffusers": Diffusers(checkpoint)}


@pytest.fixture(params=NAMES)
def prior(request: pytest.FixtureRequest, priors: dict[str, Any]) -> Any:
    return priors[request.param]


def seed_for(prior: Prior, height: int, width: int) -> Tensor:
    return torch.randn(1, *prior.seed_shape(height, width), generator=torch.Generator().manual_seed(2))


def test_it_keeps_the_contract(prior):
    assert isinstance(prior, Prior)
    assert prior.name
    assert prior.to(torch.device("cpu")) is prior


@pytest.mark.parametrize("size", SIZES)
def test_its_seed_covers_any_size_with_little_to_spare(prior, size: tuple[int, int]):
    z = seed_for(prior, *size)
    assert prior.reverse(z, 2, "trailing").shape == z.shape
    feature = prior.decode_body(z)
    x = prior.decode_tail(feature)
    assert feature.shape[0] == 1
    assert x.shape[:2] == (1, 3)
    for covered, asked in zip(x.shape[2:], size, strict=True):
        assert asked <= covered < asked + 32
    assert prior.seed_shape(*x.shape[2:]) == tuple(z.shape[1:])


@pytest.mark.parametrize("size", SIZES)
def test_it_encodes_any_size_to_latents_that_decode_to_cover_it(prior, size: tuple[int, int], draw):
    latent = prior.encode(draw(2, 3, *size))
    assert latent.shape == (2, *prior.seed_shape(*size))
    assert latent.isfinite().all()


@pytest.mark.parametrize("size", SIZES)
def test_the_feature_is_as_large_as_the_frame(prior, size: tuple[int, int]):
    """The last layer comes after all enlarging; moving the features by pixels depends on it."""
    feature = prior.decode_body(seed_for(prior, *size))
    assert feature.shape[2:] == prior.decode_tail(feature).shape[2:]


def test_the_last_layer_is_linear_in_what_a_residual_adds(prior):
    feature = prior.decode_body(seed_for(prior, 16, 16))
    r = torch.randn(feature.shape, generator=torch.Generator().manual_seed(3))
    plain = prior.decode_tail(feature)
    torch.testing.assert_close(prior.decode_tail(feature + 2 * r) - plain, 2 * (prior.decode_tail(feature + r) - plain))


def test_it_says_how_many_steps_it_is_best_with(prior):
    assert prior.steps(started=False) >= 1
    assert prior.steps(started=True) >= 0


def test_it_tells_its_last_layer(prior):
    feature = prior.decode_body(seed_for(prior, 16, 24))
    feature = feature + torch.randn(feature.shape, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(prior.last_layer()(feature), prior.decode_tail(feature), rtol=1e-4, atol=1e-5)


def test_a_frames_feature_map_does_not_wait_for_the_way_back(priors):
    """The layer that residuals go through is linear: what it saw is not needed again."""
    for name in ("tiny", "diffusers"):
        prior, kept = priors[name], []
        feature = prior.decode_body(seed_for(prior, 32, 32)).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(lambda x, kept=kept: kept.append(x.numel()) or x, lambda x: x):
            x = prior.decode_tail(feature)
        assert sum(kept) < feature.numel() / 4
        assert torch.autograd.grad(x.sum(), feature)[0].abs().sum() > 0


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_frozen_layer_is_the_plain_one_there_and_back(draw, layout: torch.memory_format):
    conv = torch.nn.Conv2d(5, 3, 3, padding=1).requires_grad_(False)
    x = draw(2, 5, 9, 7).contiguous(memory_format=layout).requires_grad_()
    plain = torch.nn.functional.conv2d(x, conv.weight, conv.bias, padding=1)
    ours, weight = frozen(LastLayer.of(conv), x), draw(2, 3, 9, 7)
    torch.testing.assert_close(ours, plain)
    one, two = (torch.autograd.grad((y * weight).sum(), x)[0] for y in (ours, plain))
    torch.testing.assert_close(one, two)


def test_no_steps_leave_the_seed_as_it_is(prior):
    z = seed_for(prior, 16, 16)
    assert torch.equal(prior.reverse(z, 0, "trailing"), z)
    assert torch.equal(prior.invert(z, 0, "trailing"), z)


def test_steps_and_spacing_act(prior):
    z = seed_for(prior, 16, 16)
    results = [
        prior.reverse(z, steps, spacing) for steps, spacing in ((4, "trailing"), (2, "trailing"), (4, "leading"))
    ]
    assert not torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_inverting_beats_starting_at_the_latent(prior):
    latent = seed_for(prior, 16, 16) / 2
    inverted, naive = (prior.reverse(z, 4, "trailing") for z in (prior.invert(latent, 4, "trailing"), latent))
    assert (inverted - latent).square().mean() < 0.5 * (naive - latent).square().mean()


def test_it_is_deterministic_and_draws_nothing(prior):
    z, state = seed_for(prior, 16, 16), torch.get_rng_state()
    one, two = (prior.decode_tail(prior.decode_body(prior.reverse(z, 2, "trailing"))) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(torch.get_rng_state(), state)


def test_frames_of_a_batch_do_not_see_each_other(prior):
    z = torch.cat([seed_for(prior, 16, 16), -seed_for(prior, 16, 16)])
    together = prior.decode_tail(prior.decode_body(prior.reverse(z, 2, "trailing")))
    alone = [prior.decode_tail(prior.decode_body(prior.reverse(one[None], 2, "trailing"))) for one in z]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_nothing_of_it_learns(prior):
    assert not any(parameter.requires_grad for parameter in prior.parameters())
    assert not prior.training or not list(prior.parameters())


@pytest.mark.parametrize("joint", JOINTS)
def test_frugal_it_keeps_less_and_computes_the_same(prior, joint: Joint):
    """The whole video, forwards and backwards: what waits for the way back, frames and gradients."""
    recipe, plainly = Recipe(steps=2, rank=2, joint=joint, follow_motion=False), prior.frugal
    results, kept = [], []
    try:
        for frugal in (False, True):
            prior.frugal = frugal
            video = Video(prior, (4, 3, 32, 32), recipe, torch.Generator().manual_seed(2), torch.device("cpu"))
            sizes = {}
            with torch.autograd.graph.saved_tensors_hooks(
                lambda x, sizes=sizes: sizes.update({x.untyped_storage()._cdata: x.numel()}) or x, lambda x: x
            ):
                x = video()
            x.square().sum().backward()
            kept.append(sum(sizes.values()))
            results.append([x, *(part.grad for part in video.learnt())])
    finally:
        prior.frugal = plainly
    nothing_to_save = joint == "feature" and isinstance(prior, ToyPrior)
    assert nothing_to_save or kept[1] < 0.8 * kept[0]
    for one, two in zip(*results, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("joint", JOINTS)
def test_gradients_are_those_of_finite_differences(prior, joint: Joint):
    """Along a random direction, in float64, of the whole chain from the seed, and of a residual at the joint."""
    prior = prior.double()
    try:
        head, tail = cut(prior, joint, 2, "trailing")
        z = seed_for(prior, 16, 16).double()
        r = 0.1 * torch.randn(head(z).shape, generator=torch.Generator().manual_seed(4)).double()
        weight = torch.randn(tail(head(z) + r).shape, generator=torch.Generator().manual_seed(5)).double()

        def loss(z: Tensor, r: Tensor) -> Tensor:
            return (tail(head(z) + r) * weight).sum()

        inputs = [z.requires_grad_(), r.requires_grad_()]
        gradients = torch.autograd.grad(loss(z, r), inputs)
        for index, gradient in enumerate(gradients):
            along = torch.randn(gradient.shape, generator=torch.Generator().manual_seed(6)).double()
            step = [1e-6 * along if i == index else torch.zeros_like(x) for i, x in enumerate(inputs)]
            with torch.no_grad():
                ahead, behind = (loss(*(x + sign * d for x, d in zip(inputs, step, strict=True))) for sign in (1, -1))
            assert (gradient * along).sum().item() == pytest.approx(
                ((ahead - behind) / 2e-6).item(), rel=1e-4, abs=1e-6
            )
    finally:
        prior.float()


def test_an_exact_noise_predictor_makes_gaussian_latents_of_gaussian_seeds():
    """What the toy is for: with many steps, R of N(0, I) is N(0, I)."""
    z = torch.randn(4, 4, 16, 16, generator=torch.Generator().manual_seed(2))
    assert ToyPrior().reverse(z, 200, "trailing").std().item() == pytest.approx(1, abs=0.05)


@torch.no_grad()
@pytest.mark.parametrize("steps", [1, 4])
def test_tiny_reverses_as_diffusers_does(priors, folder: Path, steps: int):
    from diffusers.models.unets.unet_2d import UNet2DModel
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    unet: Any = UNet2DModel.from_pretrained(folder / "unet", dtype=torch.float32, low_cpu_mem_usage=False).eval()
    scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")
    scheduler.set_timesteps(steps)
    z = expected = seed_for(priors["tiny"], 32, 32)
    for t in scheduler.timesteps:
        expected = scheduler.step(unet(expected, t).sample, int(t), expected).prev_sample
    torch.testing.assert_close(priors["tiny"].reverse(z, steps, "trailing"), expected, rtol=1e-4, atol=1e-4)


def test_tiny_in_half_precision_is_nearly_the_same_between_variables_in_full(priors, folder: Path):
    full, half = priors["tiny"], Tiny(folder, torch.bfloat16)
    assert {part.dtype for part in half.unet.parameters()} == {torch.bfloat16}
    assert half.last_layer().weight.dtype == torch.float32
    found = []
    for prior in (full, half):
        z = seed_for(prior, 32, 32).requires_grad_()
        latent = prior.reverse(z, 2, "trailing")
        feature = prior.decode_body(latent)
        found.append((latent, feature, *torch.autograd.grad(prior.decode_tail(feature).square().sum(), z)))
    for ours, exact in zip(found[1], found[0], strict=True):
        assert ours.dtype == torch.float32
        assert 0 < (ours - exact).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize("has", [False, True])
def test_tiny_loads_in_half_precision_where_that_is_fast(folder: Path, monkeypatch, has: bool):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has}, raising=False)
    for name in ("tiny", str(folder)):
        prior: Any = load_prior(name)
        assert prior.dtype == (torch.bfloat16 if has else torch.float32)


def test_tiny_reads_what_reverses_when_it_is_asked_for(folder: Path):
    prior = Tiny(folder).double()
    z = seed_for(prior, 32, 32).double()
    prior.decode_tail(prior.decode_body(z))
    assert "unet" not in dict(prior.named_children())
    assert prior.reverse(z, 1, "trailing").dtype == torch.float64
    parameters = list(dict(prior.named_children())["unet"].parameters())
    assert {parameter.dtype for parameter in parameters} == {torch.float64}
    assert not any(parameter.requires_grad for parameter in parameters)


def test_what_ships_loads_without_diffusers():
    code = "from oneseed.prior.tiny import Tiny; Tiny(); import sys; assert 'diffusers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tiny_needs_every_part(folder: Path, tmp_path: Path):
    for part in PARTS:
        broken = shutil.copytree(
            folder, tmp_path / part.replace("/", "-"), ignore=shutil.ignore_patterns("checkpoints")
        )
        (broken / part).unlink()
        with pytest.raises(RequestError, match=rf"{broken.name} holds no {part}; needed is a folder that"):
            Tiny(broken)
    with pytest.raises(RequestError, match=r"holds no autoencoder/config\.json"):
        Tiny(tmp_path / "nowhere")


def test_tiny_refuses_a_schedule_that_it_does_not_know(folder: Path, tmp_path: Path):
    other = shutil.copytree(folder, tmp_path / "other", ignore=shutil.ignore_patterns("checkpoints"))
    config = other / "scheduler/scheduler_config.json"
    config.write_text(config.read_text().replace("scaled_linear", "crooked"))
    with pytest.raises(RequestError, match=r"scheduler_config\.json tells no schedule .*crooked"):
        Tiny(other)
    config.write_text(config.read_text().replace("crooked", "linear"))
    assert Tiny(other).schedule.abar[-1] < Tiny(folder).schedule.abar[-1]


@pytest.mark.parametrize("part", ["autoencoder/config.json", "autoencoder/model.safetensors"])
def test_a_broken_part_of_tiny_is_one_line(folder: Path, tmp_path: Path, part: str):
    broken = shutil.copytree(folder, tmp_path / "broken", ignore=shutil.ignore_patterns("checkpoints"))
    (broken / part).write_bytes(b"{}")
    with pytest.raises(RequestError, match=r"autoencoder is broken \(.*\); needed is what `oneseed train` wrote"):
        Tiny(broken)


def test_a_folder_is_a_prior_by_its_path(folder: Path):
    assert load_prior(str(folder), torch.device("cpu")).name == folder.name
    with pytest.raises(
        RequestError, match=r"no prior 'tinny': it is neither .* one of diffusers, tiny\. Did you mean 'tiny'"
    ):
        load_prior("tinny", torch.device("cpu"))
