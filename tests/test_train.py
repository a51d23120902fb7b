"""From photos to a prior: what is read, how it is learnt, and that it can be interrupted at any moment."""

import copy
import dataclasses
import itertools
import json
import tarfile
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
from oneseed.train.photos import Crops, load_photos
from oneseed.train.run import train


def test_a_folder_is_read_to_the_bottom_in_order_of_names(tmp_path: Path):
    for name, grey in (("b.png", 20), ("a.PNG", 10), ("deep/er/c.jpg", 30)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 6), grey).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no photo")
    photos = load_photos(tmp_path)
    assert [(photo.shape, photo.dtype) for photo in photos] == [((3, 6, 8), torch.uint8)] * 3
    assert [photo.float().mean().item() for photo in photos] == [10, 20, 30]


def test_a_tar_is_read_like_the_folder_it_was_made_from(tmp_path: Path):
    folder = write_photos(tmp_path / "photos")
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        for file in sorted(folder.iterdir(), reverse=True):
            archive.add(file, file.name)
    for a, b in zip(load_photos(folder), load_photos(tmp_path / "photos.tar"), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("size", "short_side", "shape"), [((40, 20), 10, (10, 20)), ((20, 41), 10, (20, 10)), ((8, 9), 10, (9, 8))]
)
def test_large_photos_are_scaled_to_a_short_side(tmp_path: Path, size: tuple[int, int], short_side: int, shape):
    Image.new("RGB", size).save(tmp_path / "photo.png")
    (photo,) = load_photos(tmp_path, short_side)
    assert photo.shape == (3, *shape)


def test_what_holds_no_photos_is_refused(tmp_path: Path):
    with pytest.raises(RequestError, match="holds no photos; needed is a folder or tar of"):
        load_photos(tmp_path)
    with pytest.raises(RequestError, match="is neither a folder nor a tar of photos"):
        load_photos(tmp_path / "nowhere")
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(RequestError, match="is neither a folder nor a tar of photos"):
        load_photos(tmp_path / "x.zip")


@pytest.mark.parametrize("content", [b"", b"not a photo", "half"])
def test_a_damaged_photo_is_named(tmp_path: Path, content: bytes | str):
    whole = write_photos(tmp_path / "photos", 1) / "0.png"
    (tmp_path / "bad.png").write_bytes(whole.read_bytes()[:900] if isinstance(content, str) else content)
    with pytest.raises(RequestError, match=r"^bad\.png cannot be read \(.*\); needed is a whole photo"):
        load_photos(tmp_path)


def test_the_same_step_of_the_same_seed_is_the_same_batch(tmp_path: Path):
    photos = load_photos(write_photos(tmp_path / "photos"))
    crops = Crops(photos, 32, seed=1)
    first = crops.batch(5, 3)
    assert first.shape == (3, 3, 32, 32)
    assert first.dtype == torch.float32
    assert 0 <= first.min() < first.max() <= 1
    crops.batch(6, 3)
    assert torch.equal(Crops(photos, 32, seed=1).batch(5, 3), first)
    assert not torch.equal(crops.batch(6, 3), first)
    assert not torch.equal(Crops(photos, 32, seed=2).batch(5, 3), first)


def test_crops_of_full_scale_are_pieces_of_the_photo():
    photo = torch.arange(3 * 8 * 8, dtype=torch.uint8).view(3, 8, 8)
    batch = Crops([photo], 8, seed=0).batch(0, 8)
    pictures = [photo.float() / 255, photo.flip(-1).float() / 255]
    assert {min(range(2), key=lambda i: (x - pictures[i]).abs().max()) for x in batch} == {0, 1}
    assert all(min((x - picture).abs().max() for picture in pictures) == 0 for x in batch)


def test_photos_smaller_than_a_crop_are_refused(tmp_path: Path):
    photos = load_photos(write_photos(tmp_path / "photos", 1, (64, 40)))
    with pytest.raises(RequestError, match="the smallest photo has a side of 40 pixels; crops need 48"):
        Crops(photos, 48, 0)


def test_photos_too_small_for_the_noise_predictor_are_refused_before_anything_is_learnt(tmp_path: Path):
    photos = write_photos(tmp_path / "photos", 1, (63, 80))
    with pytest.raises(RequestError, match="the smallest photo has a side of 63 pixels; the noise predictor needs 64"):
        next(training(photos, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


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


def test_training_leaves_a_folder_in_the_layout_of_diffusers(trained):
    output, history = trained
    assert history == [(network, step) for network in ("auto-encoder", "noise predictor") for step in (1, 2, 3, 4)]
    assert json.loads((output / "scheduler/scheduler_config.json").read_text()) == SCHEDULE
    assert json.loads((output / "vae/config.json").read_text())["scaling_factor"] > 0
    assert {value.dtype for value in weights(output).values()} == {torch.float16}
    card = (output / "README.md").read_text()
    for words in (
        "4 photos from `photos`",
        "Noise, so free.",
        "| autoencoder | width | 8 |",
        "| noise predictor | crop | 8 |",
    ):
        assert words in card
    assert "PSNR" not in card


def test_latents_come_at_unit_scale(trained, photos: Path):
    from oneseed.prior.tiny import Tiny

    x = torch.stack([photo[:, :64, :72] for photo in load_photos(photos)]) / 255
    assert Tiny(trained[0]).encode(x).std().item() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("stopped_at", [2, 6])
def test_the_whole_training_resumes_where_it_was_stopped(trained, photos: Path, monkeypatch, tmp_path, stopped_at: int):
    """In the first network, and in the second."""
    monkeypatch.setattr(run, "CHECKPOINT_EVERY", 1)
    running = training(photos, tmp_path / "out", steps=4)
    for _ in range(stopped_at):
        next(running)
    running.close()
    assert not (tmp_path / "out/vae").exists()
    rest = [(at.network, at.step) for at in training(photos, tmp_path / "out", steps=4)]
    assert (
        rest
        == {
            2: trained[1][2:],
            6: [("auto-encoder", 4), *trained[1][6:]],  # what is done is only looked at
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
    first = next(training(photos, tmp_path / "out", steps=4, perceptual=perceptual, validation=unseen))
    plain = next(training(photos, tmp_path / "plain", steps=4))
    assert first.loss > plain.loss
    for _ in training(photos, tmp_path / "plain", validation=unseen):
        pass
    assert "auto-encoder, mean PSNR on the validation photos (dB) | " in (tmp_path / "plain/README.md").read_text()


def test_missing_perceptual_weights_are_refused_before_anything_is_learnt(photos: Path, tmp_path: Path):
    with pytest.raises(RequestError, match="does not hold LPIPS weights"):
        next(training(photos, tmp_path / "out", perceptual=tmp_path / "none.safetensors"))
    assert not (tmp_path / "out").exists()


def test_the_card_lists_what_was_chosen_and_measured():
    card = model_card("photos.tar", 7, "All CC0.", {"noise_predictor": {"steps": 3}}, {"loss": 0.5})
    assert "7 photos from `photos.tar`, scaled to a short side of at most 288 pixels. All CC0." in card
    assert "| noise predictor | steps | 3 |" in card
    assert "| loss | 0.5 |" in card
