"""Stable Diffusion checkpoints: ours against diffusers' own pipelines, built small and random, through real files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.small_checkpoints import KINDS, small_checkpoint, small_taesd
from torch import Tensor

from oneseed.errors import RequestError
from oneseed.prior._half import in_precision
from oneseed.prior.diffusers import Diffusers


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: small_checkpoint(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


def seed(*shape: int, number: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(number))


def frame(prior: Diffusers, z: Tensor, steps: int) -> Tensor:
    return prior.decode_tail(prior.decode_body(prior.reverse(z, steps, "trailing")))


@torch.no_grad()
def theirs(folder: Path, kind: str, z: Tensor, steps: int, prompt: str = "", guidance: float = 1.0) -> Tensor:
    """What the pipeline itself makes of the same noise: DDIM without randomness, trailing steps."""
    from diffusers import DDIMScheduler, DiffusionPipeline

    pipeline: Any = DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    extra: dict[str, Any] = {}
    if kind != "lcm":
        pipeline.scheduler = DDIMScheduler.from_config(
            pipeline.scheduler.config, timestep_spacing="trailing", clip_sample=False
        )
        extra = {"guidance_scale": guidance, "eta": 0.0}
    pipeline.set_progress_bar_config(disable=True)
    height, width = (2 * side for side in z.shape[-2:])
    return pipeline(
        prompt=prompt, latents=z, num_inference_steps=steps, output_type="pt", height=height, width=width, **extra
    ).images


@torch.no_grad()
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "steps"), [*((kind, 4) for kind in KINDS if kind != "lcm"), ("sd1", 1), ("turbo", 1), ("lcm", 1)]
)
def test_our_frame_is_the_pipelines_own(folders, kind: str, steps: int):
    z = seed(1, 4, 16, 12)
    found = frame(Diffusers(folders[kind]), z, steps)
    torch.testing.assert_close(found.clamp(0, 1), theirs(folders[kind], kind, z, steps), rtol=0, atol=1e-4)


@torch.no_grad()
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["sd1", "xl"])
def test_a_prompt_and_guidance_are_the_pipelines_own(folders, kind: str):
    z = seed(1, 4, 16, 16)
    plain = frame(Diffusers(folders[kind]), z, 2)
    prompted = frame(Diffusers(folders[kind], prompt="a dog"), z, 2)
    guided = frame(Diffusers(folders[kind], prompt="a dog", guidance=5.0), z, 2)
    torch.testing.assert_close(prompted.clamp(0, 1), theirs(folders[kind], kind, z, 2, "a dog"), rtol=0, atol=1e-4)
    torch.testing.assert_close(guided.clamp(0, 1), theirs(folders[kind], kind, z, 2, "a dog", 5.0), rtol=0, atol=1e-4)
    assert not torch.equal(plain, prompted)
    assert not torch.equal(prompted, guided)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["sd1", "xl"])
def test_guidance_keeps_seeds_of_a_batch_apart(folders, kind: str):
    prior = Diffusers(folders[kind], prompt="a dog", guidance=3.0)
    z = seed(2, 4, 16, 16)
    alone = torch.cat([prior.reverse(one[None], 2, "trailing") for one in z])
    torch.testing.assert_close(prior.reverse(z, 2, "trailing"), alone, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_the_decoder_cut_in_two_is_the_decoder(folders):
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    prior, latent = Diffusers(folders["sd1"]), seed(2, 4, 8, 6)
    vae = AutoencoderKL.from_pretrained(folders["sd1"] / "vae", use_safetensors=True)
    whole = vae.decode(latent / vae.config.scaling_factor).sample / 2 + 0.5
    torch.testing.assert_close(prior.decode_tail(prior.decode_body(latent)), whole, rtol=1e-4, atol=1e-5)
    x = torch.rand(2, 3, 16, 12, generator=torch.Generator().manual_seed(4))
    mean = vae.encode(2 * x - 1).latent_dist.mode() * vae.config.scaling_factor
    torch.testing.assert_close(prior.encode(x), mean, rtol=1e-4, atol=1e-5)


def test_recomputing_the_decoder_changes_neither_values_nor_gradients(folders):
    decoder = Diffusers(folders["sd1"]).decoder
    latent = seed(1, 4, 8, 6).requires_grad_()
    lean = decoder.body(latent, frugal=True)
    parts = decoder.decoder
    h = parts.mid_block(parts.conv_in(decoder.before(latent / decoder.scale + decoder.shift)))
    for block in parts.up_blocks:
        h = block(h)
    plain = parts.conv_act(parts.conv_norm_out(h))
    assert torch.equal(lean, plain)
    one, two = (torch.autograd.grad(y.square().sum(), latent)[0] for y in (lean, plain))
    torch.testing.assert_close(one, two)


@torch.no_grad()
def test_a_tiny_decoder_takes_the_place_of_the_large(folders, tmp_path: Path):
    small_taesd().save_pretrained(tmp_path / "taesd", safe_serialization=True)
    prior, vae = Diffusers(folders["sd1"], decoder=tmp_path / "taesd"), small_taesd()
    latent = seed(1, 4, 8, 6)
    theirs = vae.decode(latent / vae.config.scaling_factor).sample / 2 + 0.5
    torch.testing.assert_close(prior.decode_tail(prior.decode_body(latent)), theirs, rtol=1e-4, atol=1e-5)
    x = torch.rand(1, 3, 16, 12, generator=torch.Generator().manual_seed(4))
    expected = vae.encode(2 * x - 1).latents * vae.config.scaling_factor
    torch.testing.assert_close(prior.encode(x), expected, rtol=1e-4, atol=1e-5)
    small_taesd(channels=5).save_pretrained(tmp_path / "other", safe_serialization=True)
    with pytest.raises(
        RequestError, match=r"other decodes 5 channels, .* makes 4; needed is a decoder of the same latents"
    ):
        Diffusers(folders["sd1"], decoder=tmp_path / "other")


@pytest.mark.parametrize(("dtype", "error"), [(torch.float16, 0.05), (torch.bfloat16, 0.4)])
def test_half_precision_keeps_variables_and_gradients_whole(folders, dtype: torch.dtype, error: float):
    """Gradients as small as a mean over a video makes them would all be zero in float16."""
    half, full = Diffusers(folders["sd1"], dtype=dtype), Diffusers(folders["sd1"])
    assert half.unet.dtype == dtype
    gradients = []
    for prior in (half, full):
        z = seed(1, 4, 16, 16).requires_grad_()
        x = frame(prior, z, 2)
        assert x.dtype == torch.float32
        gradients.append(torch.autograd.grad(1e-9 * x.square().mean(), z)[0])
    assert (gradients[0] - gradients[1]).norm() < error * gradients[1].norm()


def test_a_network_in_the_same_precision_is_left_alone():
    x = seed(3).requires_grad_()
    assert in_precision(lambda x: x, x, torch.float32) is x
    with torch.no_grad():
        assert in_precision(lambda x: x, x, torch.float16).dtype == torch.float32


def test_an_auto_encoder_that_overflows_is_not_halved(folders, tmp_path: Path):
    import json
    import shutil

    copy = shutil.copytree(folders["xl"], tmp_path / "copy")
    for upcast, expected in ((True, torch.float32), (False, torch.float16)):
        config = json.loads((copy / "vae/config.json").read_text()) | {"force_upcast": upcast}
        (copy / "vae/config.json").write_text(json.dumps(config))
        prior = Diffusers(copy, dtype=torch.float16)
        assert next(prior.decoder.encoder.parameters()).dtype == expected
        assert next(prior.decoder.tail.parameters()).dtype == torch.float32


def test_guidance_that_could_not_act_is_refused(folders):
    with pytest.raises(RequestError, match=r"guidance=3\.0 without a prompt does nothing"):
        Diffusers(folders["sd1"], guidance=3.0)
    with pytest.raises(RequestError, match=r"guidance=-1\.0; needed is a number from 0 on"):
        Diffusers(folders["sd1"], prompt="a dog", guidance=-1.0)


def test_the_text_encoder_is_freed(folders):
    prior = Diffusers(folders["xl"])
    assert not [name for name, _ in prior.named_modules() if "text_encoder" in name]
    assert prior.text.shape[0] == 1


def test_the_encoder_waits_on_the_cpu_once_it_has_worked(folders, monkeypatch: pytest.MonkeyPatch):
    prior, places = Diffusers(folders["sd1"]), []
    encoder = prior.decoder.encoder
    monkeypatch.setattr(encoder, "to", lambda place: places.append(str(place)) or encoder)
    assert prior.encode(torch.zeros(2, 3, 16, 16)).isfinite().all()
    assert places == ["cpu", "cpu"]  # to where the frames are, and back
