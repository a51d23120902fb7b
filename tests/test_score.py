"""One call that scores a result against a reference."""

import dataclasses
import json
import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tests.lpips_weights import FILES, official_network, write_lpips_weights
from torch.nn import functional as F

from oneseed.errors import RequestError
from oneseed.flow.still import Still
from oneseed.metrics.psnr import psnr
from oneseed.metrics.ssim import ssim
from oneseed.score import score

NAMES = ["psnr", "ssim", "lpips_alex", "lpips_vgg", "we_self", "we_gt", "we_reference"]


@pytest.fixture
def reference():
    generator = torch.Generator().manual_seed(0)
    return F.interpolate(torch.rand(3, 3, 6, 8, generator=generator), size=(36, 48), mode="bicubic").clamp(0, 1)


@pytest.fixture
def result(reference):
    return (reference + 0.1 * torch.randn(reference.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)


@pytest.fixture(scope="module")
def alex_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_lpips_weights(official_network("alex"), folder / FILES["alex"])
    return folder


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No weights in the environment or at home."""
    monkeypatch.delenv("ONESEED_WEIGHTS", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")


def test_numbers_are_means_over_frames(result, reference):
    s = score(result, reference, lpips="none", flow=Still())
    assert s.frames == 3
    assert s.psnr == pytest.approx(psnr(result, reference).mean().item(), rel=1e-5)
    assert s.ssim == pytest.approx(ssim(result, reference).mean().item(), rel=1e-5)
    assert [frame["psnr"] for frame in s.per_frame] == pytest.approx(psnr(result, reference).tolist())
    assert s.we_self == pytest.approx(sum(frame["we_self"] for frame in s.per_frame[:2]) / 2)
    assert s.per_frame[2]["we_self"] is None
    assert (s.lpips_alex, s.lpips_vgg, s.notes) == (None, None, [])


def test_as_dict_is_what_the_command_line_prints(result, reference):
    s = score(result, reference, lpips="none")
    said = s.as_dict()
    assert list(said) == ["frames", *NAMES, "per_frame", "notes"]
    assert all(list(frame) == NAMES for frame in said["per_frame"])
    assert len(said["per_frame"]) == 3
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_a_perfect_result(reference):
    s = score(reference, reference, lpips="none")
    assert math.isinf(s.psnr or 0)
    assert s.ssim == pytest.approx(1)
    assert s.we_self == s.we_reference
    assert s.we_gt == pytest.approx(3 * (s.we_self or 0), rel=1e-5)


def test_values_beyond_the_range_are_clamped_first(result, reference):
    wild = torch.where(result > 0.5, result + 5, result - 5)
    clamped = wild.clamp(0, 1)
    assert score(wild, reference, lpips="none").as_dict() == score(clamped, reference, lpips="none").as_dict()


def test_the_flow_is_a_choice(result, reference):
    assert score(result, reference, "none", flow=Still()).we_self != score(result, reference, "none").we_self


def test_a_single_frame_has_no_warping_error(result, reference):
    s = score(result[:1], reference[:1], lpips="none")
    assert (s.we_self, s.we_gt, s.we_reference) == (None, None, None)
    assert s.psnr is not None


def test_a_pair_with_nothing_to_compare_has_no_warping_error(result, reference):
    class Away:
        def estimate(self, here, there):
            return here.new_full((len(here), 2, *here.shape[-2:]), 1e3)

    s = score(result, reference, lpips="none", flow=Away())
    assert (s.we_self, s.per_frame[0]["we_self"]) == (None, None)


@pytest.mark.parametrize("cut", [lambda x: x[:2], lambda x: x[..., :40], lambda x: x[..., :30, :]])
def test_another_size_is_refused(result, reference, cut):
    with pytest.raises(RequestError, match=r"result is .* frames of .*, the reference 3 frames of 48x36; .*Add --"):
        score(cut(result), reference, lpips="none")


def test_no_frames_are_refused(reference):
    with pytest.raises(RequestError, match="there are no frames"):
        score(reference[:0], reference[:0], lpips="none")


def test_without_weights_the_rest_is_given_and_a_note_says_how_to_get_them(result, reference, tmp_path):
    s = score(result, reference, lpips="both", weights=tmp_path)
    assert (s.lpips_alex, s.lpips_vgg) == (None, None)
    assert s.psnr is not None
    assert len(s.notes) == 2
    assert "lpips_alexnet.safetensors" in s.notes[0]
    assert str(tmp_path) in s.notes[0]
    assert "lpips_vgg16.safetensors" in s.notes[1]
    assert not any("\n" in note for note in s.notes)


@pytest.mark.parametrize("place", ["argument", "environment", "home"])
def test_weights_are_found_in_three_places(result, reference, alex_folder, monkeypatch, tmp_path, place):
    if place == "environment":
        monkeypatch.setenv("ONESEED_WEIGHTS", str(alex_folder))
    if place == "home":
        cache = tmp_path / "home" / ".cache" / "oneseed"
        cache.mkdir(parents=True)
        (cache / FILES["alex"]).symlink_to(alex_folder / FILES["alex"])
    s = score(result, reference, "both", weights=alex_folder if place == "argument" else None)
    assert s.lpips_alex is not None
    assert s.lpips_alex > 0
    assert s.lpips_alex == pytest.approx(sum(frame["lpips_alex"] for frame in s.per_frame) / 3)
    assert s.lpips_vgg is None
    assert len(s.notes) == 1


def test_a_backbone_that_is_not_asked_for_is_not_measured(result, reference, alex_folder):
    s = score(result, reference, lpips="none", weights=alex_folder)
    assert (s.lpips_alex, s.notes) == (None, [])


def test_frames_too_small_for_lpips_are_noted(result, reference, alex_folder):
    s = score(result[..., :20, :20], reference[..., :20, :20], lpips="alex", weights=alex_folder)
    assert s.lpips_alex is None
    assert "20x20; lpips needs 32 pixels a side" in s.notes[0]


def test_a_score_does_not_change(result, reference):
    with pytest.raises(dataclasses.FrozenInstanceError):
        score(result, reference, lpips="none").psnr = 99.0  # type: ignore[misc]


@pytest.mark.shared
def test_a_real_clip_agrees_with_itself():
    if "ONESEED_SHARED" not in os.environ:
        pytest.skip("ONESEED_SHARED does not name the folder of real data and weights")
    shared = Path(os.environ["ONESEED_SHARED"])
    files = sorted((shared / "data" / "davis" / "camel").glob("*.jpg"))[:8]
    frames = [cv2.resize(cv2.imread(str(f))[:, 187:667, ::-1], (256, 256), interpolation=cv2.INTER_AREA) for f in files]
    x = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2) / 255
    noisy = x + 0.04 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    s = score(noisy, x, lpips="both", weights=shared / "weights")
    assert s.we_reference == pytest.approx(0.097, abs=0.01)
    assert s.we_self is not None
    assert s.we_self > 3 * s.we_reference
    assert s.lpips_alex == pytest.approx(0.068, abs=0.01)
    assert s.lpips_vgg == pytest.approx(0.166, abs=0.01)
    assert s.notes == []
