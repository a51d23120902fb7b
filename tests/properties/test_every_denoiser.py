"""What holds for every denoiser, whatever it has learnt."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.moving_clip import moving_clip
from tests.small_tiny import small_tiny
from tests.toy_denoiser import ToyDenoiser

from oneseed import load, registry
from oneseed.denoise.base import Denoiser
from oneseed.denoise.tiny import Tiny

NAMES = ["toy", "small", *registry.choices("denoise")]
SIZES = [(8, 8), (37, 29), (1, 5), (64, 33)]


@pytest.fixture(scope="module")
def denoisers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The toy, one that has learnt nothing, and those on offer as they ship."""
    small = Tiny(small_tiny(tmp_path_factory.mktemp("denoiser")) / "denoiser")
    shipped = {name: registry.find("denoise", name)() for name in registry.choices("denoise")}
    return {"toy": ToyDenoiser(), "small": small, **shipped}


@pytest.fixture(params=NAMES)
def denoiser(request: pytest.FixtureRequest, denoisers: dict[str, Any]) -> Any:
    return denoisers[request.param]


def test_it_keeps_the_contract(denoiser):
    assert isinstance(denoiser, Denoiser)
    assert denoiser.name
    assert denoiser.to(torch.device("cpu")) is denoiser


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_it_takes_any_size_and_any_number_of_frames(denoiser, size: tuple[int, int], count: int, draw):
    x = draw(count, 3, *size)
    clean = denoiser.denoise(x, 0.05)
    assert clean.shape == x.shape
    assert clean.dtype == x.dtype
    assert clean.isfinite().all()
    assert clean.is_contiguous()


def test_no_noise_leaves_the_frames_as_they_are(denoiser, draw):
    x = draw(2, 3, 16, 16)
    assert torch.equal(denoiser.denoise(x, 0.0), x)


def test_the_strength_acts(denoiser, draw):
    x = draw(1, 3, 32, 32)
    assert not torch.equal(denoiser.denoise(x, 0.02), denoiser.denoise(x, 0.1))


def test_frames_do_not_see_each_other(denoiser, draw):
    x = draw(3, 3, 24, 24)
    alone = torch.cat([denoiser.denoise(frame[None], 0.1) for frame in x])
    torch.testing.assert_close(denoiser.denoise(x, 0.1), alone, rtol=1e-5, atol=1e-6)


def test_it_is_deterministic_draws_nothing_and_leaves_its_input_and_no_graph(denoiser, draw):
    x, state = draw(1, 3, 24, 24).requires_grad_(), torch.get_rng_state()
    before = x.detach().clone()
    one, two = denoiser.denoise(x, 0.1), denoiser.denoise(x, 0.1)
    assert torch.equal(one, two)
    assert not one.requires_grad
    assert torch.equal(x, before)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", registry.choices("denoise"))
@pytest.mark.parametrize("sigma", [0.02, 0.05, 0.1, 0.3])
def test_what_ships_takes_noise_off(denoisers: dict[str, Any], name: str, sigma: float):
    """0.3 is more than it was trained for."""
    clean = moving_clip(2, 64)
    noisy = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    error = (denoisers[name].denoise(noisy, sigma) - clean).square().mean()
    assert error < (0.7 if sigma < 0.05 else 0.5) * sigma**2


def test_without_a_bias_scaled_pictures_and_noise_are_denoised_to_scale(denoisers: dict[str, Any], draw):
    x, network = draw(1, 3, 16, 16), denoisers["small"].network
    torch.testing.assert_close(network(2 * x, torch.tensor([0.2])), 2 * network(x, torch.tensor([0.1])))


@pytest.mark.parametrize("sigma", [0.005, 0.02, 0.1])
def test_tiny_in_bfloat16_is_that_in_float32_but_for_far_less_than_the_noise(denoisers: dict[str, Any], sigma: float):
    noisy = moving_clip(2, 64) + sigma * torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    gap = Tiny(dtype=torch.bfloat16).denoise(noisy, sigma) - denoisers["tiny"].denoise(noisy, sigma)
    assert 0 < gap.square().mean().sqrt() < 3e-4 + 0.003 * sigma


@pytest.mark.parametrize("fast", [True, False])
def test_it_is_loaded_in_the_precision_that_is_fast(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fast: bool):
    monkeypatch.setattr(load, "fast_in_bfloat16", lambda device: fast)
    folder = small_tiny(tmp_path)
    for which in (None, "tiny", str(folder)):
        network = load.load_denoiser(which).network  # type: ignore[attr-defined]
        assert network.up[0][0].first.weight.dtype == (torch.bfloat16 if fast else torch.float32)
        assert network.head.weight.dtype == network.tail.weight.dtype == torch.float32


def test_what_is_missing_or_broken_is_one_line(tmp_path: Path):
    from oneseed.errors import RequestError

    with pytest.raises(RequestError, match="holds no denoiser that can be read"):
        Tiny(tmp_path)
    (tmp_path / "config.json").write_text('{"widths": [8], "blocks": 1}')
    (tmp_path / "model.safetensors").write_bytes(b"rubbish")
    with pytest.raises(RequestError, match="holds no denoiser that can be read"):
        Tiny(tmp_path)
