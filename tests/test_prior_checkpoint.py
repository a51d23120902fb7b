"""What is read of a checkpoint, wherever it lies, and what is said of one that cannot be."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.ldm_layout import save_as_one_file
from tests.small_checkpoints import small_pipeline, small_taesd

from oneseed.errors import RequestError
from oneseed.load import load_prior
from oneseed.prior import _hub
from oneseed.prior._checkpoint import load_decoder
from oneseed.prior._hub import locate, wanted_files
from oneseed.prior.diffusers import DEFAULT, Diffusers


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `one`, and beside it the same in one file."""
    place = tmp_path_factory.mktemp("checkpoint")
    pipeline = small_pipeline("sd1", place)
    pipeline.save_pretrained(place / "one", safe_serialization=True)
    save_as_one_file(pipeline, place / "one.safetensors")
    return place / "one"


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    return shutil.copytree(checkpoint, tmp_path / "copy")


@torch.no_grad()
def test_one_file_is_the_same_prior_as_its_folder(checkpoint: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    z = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    one, other = (
        prior.decode_tail(prior.decode_body(prior.reverse(z, 2, "trailing")))
        for prior in (Diffusers(checkpoint), load_prior(str(checkpoint.with_suffix(".safetensors"))))
    )
    assert torch.equal(one, other)


def test_any_checkpoint_is_a_prior_by_its_path(checkpoint: Path):
    assert load_prior(str(checkpoint)).name == "one"
    assert load_prior(str(checkpoint), prompt="a dog", guidance=2.0).text.shape[0] == 2
    with pytest.raises(RequestError, match="--prior tiny takes no decoder, prompt or guidance"):
        load_prior("tiny", prompt="a dog")


def _edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def _only_pickles(folder: Path) -> None:
    for file in folder.glob("unet/*.safetensors"):
        file.rename(file.with_suffix(".bin"))


def _cut(folder: Path) -> None:
    file = folder / "vae/diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])


def _for_inpainting(folder: Path) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    config = json.loads((folder / "unet/config.json").read_text()) | {"in_channels": 9}
    UNet2DConditionModel.from_config(config).save_pretrained(folder / "unet", safe_serialization=True)


BROKEN: dict[str, tuple[Any, str]] = {
    "no part": (
        lambda folder: shutil.rmtree(folder / "unet"),
        r"copy holds no unet/; needed is a text-to-image checkpoint",
    ),
    "no index": (lambda folder: (folder / "model_index.json").unlink(), r"holds no model_index\.json; needed is"),
    "broken index": (lambda folder: (folder / "model_index.json").write_text("{"), r"model_index\.json is broken"),
    "pickled weights": (_only_pickles, r"copy cannot be read \(.*safetensors"),
    "weights cut short": (_cut, r"copy cannot be read \(.*[Ii]ncomplete|copy cannot be read \(.*"),
    "another U-Net": (_for_inpainting, r"takes 9 channels where its latents have 4 \(made for inpainting or editing\)"),
    "another schedule": (
        lambda folder: _edit(folder / "scheduler/scheduler_config.json", beta_schedule="crooked"),
        r"scheduler_config\.json tells no schedule",
    ),
    "another prediction": (
        lambda folder: _edit(folder / "scheduler/scheduler_config.json", prediction_type="flow_prediction"),
        r"scheduler_config\.json tells no schedule",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_folder_that_is_no_such_checkpoint_gets_one_line(copy: Path, case: str):
    breaks, said = BROKEN[case]
    breaks(copy)
    with pytest.raises(RequestError, match=said) as caught:
        Diffusers(copy)
    assert "\n" not in str(caught.value)


def test_a_refiner_is_refused(tmp_path: Path):
    small_pipeline("xl", tmp_path).save_pretrained(tmp_path / "copy", safe_serialization=True)
    shutil.rmtree(tmp_path / "copy/text_encoder")
    _edit(tmp_path / "copy/model_index.json", text_encoder=[None, None])
    with pytest.raises(RequestError, match="holds no text_encoder/"):
        Diffusers(tmp_path / "copy")


def test_files_of_other_kinds_get_one_line(tmp_path: Path):
    torch.save({"weights": torch.zeros(1)}, tmp_path / "model.ckpt")
    with pytest.raises(RequestError, match=r"model\.ckpt may run code when it is read; needed is \.safetensors"):
        load_prior(str(tmp_path / "model.ckpt"))
    save_file({"model.layers.0.weight": torch.zeros(1)}, tmp_path / "llm.safetensors")
    with pytest.raises(RequestError, match=r"llm\.safetensors holds no noise predictor"):
        load_prior(str(tmp_path / "llm.safetensors"))
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00\x00")
    with pytest.raises(RequestError, match=r"cut\.safetensors is broken"):
        load_prior(str(tmp_path / "cut.safetensors"))
    with pytest.raises(RequestError, match=r"is no prior: it holds neither autoencoder/config\.json nor model_index"):
        load_prior(str(tmp_path))
    with pytest.raises(RequestError, match=r"no prior '.*gone\.safetensors'; needed is a folder"):
        load_prior(str(tmp_path / "gone.safetensors"))


def test_a_decoder_may_lie_in_a_checkpoint_or_alone(checkpoint: Path, tmp_path: Path):
    assert type(load_decoder(checkpoint, torch.float32)).__name__ == "AutoencoderKL"
    small_taesd().save_pretrained(tmp_path / "taesd", safe_serialization=True)
    assert type(load_decoder(tmp_path / "taesd", torch.float32)).__name__ == "AutoencoderTiny"
    (tmp_path / "config.json").write_text('{"_class_name": "VQModel"}')
    with pytest.raises(RequestError, match="holds a VQModel; needed is AutoencoderKL or AutoencoderTiny"):
        load_decoder(tmp_path, torch.float32)


def _http() -> Any:
    """The library that the hub's own is written with."""
    from huggingface_hub import errors

    return sys.modules[errors.Response.__module__.partition(".")[0]]


def _response(status: int) -> Any:
    return _http().Response(status, request=_http().Request("GET", "https://huggingface.co/some/model"))


def _unreachable() -> Exception:
    return _http().ConnectError("no route to host")


def _of_hub(name: str, status: int) -> Exception:
    from huggingface_hub import errors

    return getattr(errors, name)("said at length\nand on", response=_response(status))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (lambda: _of_hub("RepositoryNotFoundError", 404), "the hub has no some/model, or it is private"),
        (
            lambda: _of_hub("GatedRepoError", 403),
            r"the hub's some/model is gated; .* https://huggingface\.co/some/model",
        ),
        (lambda: _of_hub("HfHubHTTPError", 500), r"fetching some/model failed \(said at length\)"),
        (_unreachable, "some/model is not in the cache of this machine, and the hub cannot be reached"),
    ],
)
def test_what_the_hub_refuses_is_one_line(error, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)

    def refuses(*_: object) -> None:
        raise error()

    monkeypatch.setattr("huggingface_hub.list_repo_files", refuses)
    with pytest.raises(RequestError, match=said) as caught:
        locate("some/model")
    assert "\n" not in str(caught.value)


def test_without_a_network_by_choice_the_cache_is_used_or_missed_in_one_line(checkpoint: Path, tmp_path: Path):
    """In a process of its own: the hub's library reads the environment once."""
    code = "import sys\nfrom oneseed.prior._hub import locate\nfrom oneseed.errors import RequestError\ntry:\n    print(locate(sys.argv[1]))\nexcept RequestError as error:\n    print(error)"  # noqa: E501
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = [sys.executable, "-c", code, "some/model"]
    said = subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout
    assert said.startswith(
        "some/model is not in the cache of this machine, and HF_HUB_OFFLINE forbids the network; needed"
    )
    cached = tmp_path / "hub/models--some--model"
    shutil.copytree(checkpoint, cached / "snapshots/abc")
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text("abc")
    said = subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(cached / "snapshots/abc")


def test_only_what_is_read_is_fetched():
    files = [
        "model_index.json", "README.md", "v1-5-pruned.safetensors", "v1-5-pruned.ckpt", "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.non_ema.safetensors", "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors", "tokenizer/merges.txt",
        "scheduler/scheduler_config.json", "safety_checker/model.safetensors", "vae_decoder/model.onnx",
    ]  # fmt: skip
    assert wanted_files(files) == [
        "model_index.json", "scheduler/scheduler_config.json", "text_encoder/model.safetensors", "tokenizer/merges.txt",
        "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors", "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ]  # fmt: skip
    whole = ["unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.non_ema.safetensors"]
    assert wanted_files(whole) == whole[:1]
    alone = ["config.json", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin", "taesd.pth"]
    assert wanted_files(alone) == ["config.json", "diffusion_pytorch_model.safetensors"]


def test_what_is_fetched_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    asked = []

    def fetch(repository: str, allow_patterns: list[str]) -> str:
        asked.append((repository, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.list_repo_files", lambda repository: ["model_index.json", "x.bin"])
    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert locate(DEFAULT) == tmp_path
    assert asked == [(DEFAULT, ["model_index.json"])]
    assert _hub.PARTS
