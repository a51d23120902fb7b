"""From photos to a prior: what is read, how it is learnt, and that it can be interrupted at any moment."""

import copy
import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.lpips_weights import official_network, write_lpips_weights
from tests.small_tiny import training, write_photos
from torch import Tensor, nn

from oneseed.errors import RequestError
from oneseed.train import run
from oneseed.train.card import model_card
from oneseed.train.noise_predictor import SCHEDULE
from oneseed.train.photos import load_photos
from oneseed.train.run import train


def fitting(checkpoint: Path, steps: int) -> Iterator[run.Trained]:
    """Learn y = 3 x."""
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(-0.5)
        model.bias.fill_(0.5)

    def loss(step: int) -> Tensor:
        x = torch.from_numpy(np.random.default_rng(step).standard_normal((64, 1), dtype=np.float32))
        return (model.weight * x + model.bias - 3 * x).square().mean()

    return train(model, loss, steps, 0.3, checkpoint, torch.device("cpu"))


def fit_line(checkpoint: Path, steps: int) -> list[run.Trained]:
    """The whole history of it."""
    return [dataclasses.replace(at, average=copy.deepcopy(at.average)) for at in fitting(checkpoint, steps)]


def test_training_learns_and_counts(tmp_path: Path):
    history = fit_line(tmp_path / "line.ckpt", 120)
    assert [at.step for at in history] == list(range(1, 121))
    assert history[-1].loss < 0.02 * history[0].loss
    assert abs(history[-1].average.weight.item() - 3) < 0.5
    assert not any(parameter.requires_grad for parameter in history[-1].average.parameters())


def test_the_average_lags_behind_and_moves_smoothly(tmp_path: Path):
    history = fit_line(tmp_path / "line.ckpt", 20)
    weights = [at.average.weight.item() for at in history]
    assert all(a < b for a, b in itertools.pairwise(weights))


@pytest.mark.parametrize("stopped_at", [1, 3, 6])
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path, monkeypatch, stopped_at: int):
    monkeypatch.setattr(run, "CHECKPOINT_EVERY", 1)
    whole = fit_line(tmp_path / "whole.ckpt", 6)
    running = fitting(tmp_path / "part.ckpt", 6)
    for _ in range(stopped_at):
        next(running)
    running.close()
    rest = fit_line(tmp_path / "part.ckpt", 6)
    assert [at.step for at in rest] == list(range(stopped_at + 1, 7)) or stopped_at == 6
    assert torch.equal(rest[-1].average.weight, whole[-1].average.weight)
    assert not list(tmp_path.glob("*.part"))


def test_a_training_that_was_done_says_so_and_no_more(tmp_path: Path):
    whole = fit_line(tmp_path / "line.ckpt", 4)
    (again,) = fit_line(tmp_path / "line.ckpt", 4)
    assert again.step == again.steps == 4
    assert torch.equal(again.average.weight, whole[-1].average.weight)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("train") / "photos")


@pytest.fixture(scope="module")
def trained(photos: Path) -> tuple[Path, list[tuple[str, int]]]:
    """Four steps of each network, without a break."""
    output = photos.parent / "trained"
    return output, [(at.network, at.step) for at in training(photos, output, steps=4)]


def weights(output: Path) -> dict[str, Tensor]:
    files = sorted(output.rglob("*.safetensors"))
    return {f"{file.parent.name}/{name}": value for file in files for name, value in load_file(file).items()}


def test_training_leaves_a_folder_that_is_a_prior(trained):
    output, history = trained
    networks = ("denoiser", "auto-encoder", "noise predictor")
    assert history == [(network, step) for network in networks for step in (1, 2, 3, 4)]
    assert json.loads((output / "scheduler/scheduler_config.json").read_text()) == SCHEDULE
    for picture in ("autoencoder", "denoiser"):
        with Image.open(output / f"progress/{picture}.png") as opened:
            assert opened.size == (256, 2 * 256)  # one photo is kept back, and shown before and after
    assert {value.dtype for value in weights(output).values()} == {torch.float16}
    card = (output / "README.md").read_text()
    for words in (
        "3 photos from `photos`",
        "Noise, so free.",
        "| autoencoder | feature_channels | 6 |",
        "| denoiser, PSNR after noise 25/255 (dB) |",
        "| noise predictor | crop | 8 |",
    ):
        assert words in card
    assert "LPIPS (alex)" not in card


def test_latents_come_at_unit_scale(trained, photos: Path):
    from oneseed.prior.tiny import Tiny

    x = torch.stack([photo[:, :64, :72] for photo in load_photos(photos)]) / 255
    assert Tiny(trained[0]).encode(x).std().item() == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize("stopped_at", [2, 6, 10])
def test_the_whole_training_resumes_where_it_was_stopped(trained, photos: Path, monkeypatch, tmp_path, stopped_at: int):
    """In the first network, the second, and the third."""
    monkeypatch.setattr(run, "CHECKPOINT_EVERY", 1)
    running = training(photos, tmp_path / "out", steps=4)
    for _ in range(stopped_at):
        next(running)
    running.close()
    assert not (tmp_path / "out/unet").exists()
    rest = [(at.network, at.step) for at in training(photos, tmp_path / "out", steps=4)]
    assert (
        rest
        == {
            2: trained[1][2:],
            6: [("denoiser", 4), *trained[1][6:]],  # what is done is only looked at
            10: [("denoiser", 4), ("auto-encoder", 4), *trained[1][10:]],
        }[stopped_at]
    )
    one, other = weights(trained[0]), weights(tmp_path / "out")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_seed_decides(trained, photos: Path, tmp_path: Path):
    for _ in training(photos, tmp_path / "out", steps=4, seed=1):
        pass
    one, other = weights(trained[0]), weights(tmp_path / "out")
    assert not any(
        torch.equal(one[name], other[name]) for name in one if name.endswith("weight") and one[name].ndim == 4
    )


def test_training_neither_reads_nor_moves_the_global_generator(photos: Path, tmp_path: Path):
    state = torch.get_rng_state()
    next(training(photos, tmp_path / "out"))
    assert torch.equal(torch.get_rng_state(), state)


def test_perceptual_weights_and_validation_photos_act(trained, photos: Path, tmp_path: Path):
    perceptual = write_lpips_weights(official_network("alex"), tmp_path / "alex.safetensors")
    unseen = write_photos(tmp_path / "unseen", 1, (40, 33))
    told, plain = (
        list(training(photos, tmp_path / name, steps=4, perceptual=weights, validation=unseen))
        for name, weights in (("told", perceptual), ("plain", None))
    )
    assert told[4].loss > plain[4].loss
    looked = [(at.network, at.step, *at.figures) for at in told if at.figures]
    assert looked == [
        ("denoiser", 4, "PSNR after noise 5/255 (dB)", "PSNR after noise 25/255 (dB)"),
        ("auto-encoder", 4, "PSNR (dB)", "LPIPS (alex)"),
    ]
    weak, strong = told[3].figures.values()
    assert weak > strong + 1  # it has learnt next to nothing, so the noise is still there
    card = (tmp_path / "told/README.md").read_text()
    assert "4 photos from `photos`" in card
    assert "auto-encoder, LPIPS (alex) | " in card


def test_a_prior_can_be_gone_on_from(trained, photos: Path, tmp_path: Path):
    """Whatever the plan says, the networks have its shapes; and they begin where it ended."""
    begun = list(training(photos, tmp_path / "out", steps=4, begin=str(trained[0]), plan_as={"feature_channels": 7}))
    afresh = list(training(photos, tmp_path / "afresh", steps=4))
    assert begun[4].loss != afresh[4].loss
    assert json.loads((tmp_path / "out/autoencoder/config.json").read_text())["feature_channels"] == 6
    with pytest.raises(RequestError, match="cannot be begun with"):
        next(training(photos, tmp_path / "none", begin=str(tmp_path / "nowhere")))


def test_missing_perceptual_weights_are_refused_before_anything_is_learnt(photos: Path, tmp_path: Path):
    with pytest.raises(RequestError, match="does not hold LPIPS weights"):
        next(training(photos, tmp_path / "out", perceptual=tmp_path / "none.safetensors"))
    assert not (tmp_path / "out").exists()


def test_the_card_lists_what_was_chosen_and_measured():
    card = model_card("photos.tar", 7, "All CC0.", {"noise_predictor": {"steps": 3}}, {"loss": 0.5})
    assert "7 photos from `photos.tar`, scaled to a short side of at most 288 pixels. All CC0." in card
    assert "| noise predictor | steps | 3 |" in card
    assert "| loss | 0.5 |" in card


def test_photos_too_small_for_any_network_are_refused_before_anything_is_learnt(tmp_path: Path):
    photos = write_photos(tmp_path / "photos", 1, (63, 80))
    with pytest.raises(RequestError, match="the smallest photo has a side of 63 pixels; training needs 64"):
        next(training(photos, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
