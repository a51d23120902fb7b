"""Spec: words to a degradation and back, and words that are not understood."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from oneseed import spec
from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.errors import RequestError


def holes(path: Path) -> Path:
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(path)
    return path


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ("downsample", "downsample:factor=4"),
        ("downsample:factor=2", "downsample:factor=2"),
        (" mask : missing = 0.25 , per-frame = True ", "mask:missing=0.25,seed=0,per_frame=true"),
        ("mask:missing=1e-1", "mask:missing=0.1,seed=0,per_frame=false"),
        ("motion_blur:size=9,seed=7", "motion-blur:size=9,intensity=0.5,seed=7"),
        ("temporal-blur:edges=reflect", "temporal-blur:width=7,edges=reflect"),
    ],
)
def test_words_become_a_degradation_and_words_again(words: str, whole: str):
    assert spec.format(spec.parse(words)) == [whole]
    assert spec.format(spec.parse(whole)) == [whole]


def test_the_first_of_several_is_nearest_to_the_clean_video():
    x = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    chain = spec.parse_all(["mask:seed=1", "downsample:factor=2"])
    assert torch.equal(chain(x), Downsample(2)(Mask(seed=1)(x)))
    assert spec.format(chain) == ["mask:missing=0.5,seed=1,per_frame=false", "downsample:factor=2"]


def test_three_parts_keep_their_order():
    words = ["downsample:factor=2", "mask:missing=0.5,seed=0,per_frame=false", "temporal-blur:width=3,edges=circular"]
    assert spec.format(spec.parse_all(words)) == words


@pytest.mark.parametrize("name", ["a.png", "a,b.png", "with space.png", "c:d.png", "a=b.png"])
def test_paths_are_read_whole(tmp_path: Path, name: str):
    path = holes(tmp_path / name)
    mask = spec.parse(f"mask:path={path}")
    assert (~mask(torch.ones(1, 3, 8, 8)).bool()).sum() == 24
    assert spec.format(mask) == [f"mask:path={path}"]


def test_a_path_that_would_be_misread_is_not_written(tmp_path: Path):
    with pytest.raises(RequestError, match="would be misread"):
        spec.format(Mask(path=holes(tmp_path / "a,seed=3.png")))


def test_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    holes(tmp_path / "holes.png")
    spec.parse("mask:path=~/holes.png")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("downsmple", r"no degrade called 'downsmple'\. Did you mean 'downsample'"),
        ("", "no degrade called ''"),
        ("mask:mising=0.5", r"mask has no 'mising'; .*: missing, seed, per_frame, path\. Did you mean 'missing'\?"),
        ("downsample:wobble=1", r"downsample has no 'wobble'; it needs one of: factor\.$"),
        ("mask:missing=half", r"mask:missing=half; a number is needed\. Give missing=0.5, say\."),
        ("mask:missing=nan", "a number is needed"),
        ("mask:missing=1/2", "a number is needed"),
        ("downsample:factor=2.5", r"downsample:factor=2\.5; a whole number is needed\. Give factor=4, say\."),
        ("downsample:factor=4,4", "factor=4,4; a whole number is needed"),
        ("mask:per_frame=1", "true or false is needed"),
        ("temporal-blur:edges=mirror", "circular or reflect or replicate is needed"),
        ("mask:", r"'mask:' holds ''; key=value is needed there\. Write mask:missing=0\.5,"),
        ("mask:seed", "'mask:seed' holds 'seed'; key=value is needed"),
        ("mask:seed=", "key=value is needed"),
        ("mask:=3", "key=value is needed"),
        ("mask:seed=1,seed=2", "says seed twice"),
        ("mask:per-frame=true,per_frame=true", "says per_frame twice"),
        ("mask:holes=x.png", "words cannot hold it"),
        ("mask:missing=2", "between 0 and 1"),
        ("motion-blur:size=32", "the size is odd"),
    ],
)
def test_words_that_are_not_understood_say_why(words: str, said: str):
    with pytest.raises(RequestError, match=said):
        spec.parse(words)


def test_nothing_at_all_is_refused():
    with pytest.raises(RequestError, match=r"at least one is needed.*downsample"):
        spec.parse_all([])


def test_a_degradation_from_elsewhere_has_no_words():
    with pytest.raises(RequestError, match="Degradation has no name"):
        spec.format(Degradation())


def test_arrays_go_before_words_and_the_words_are_kept():
    pattern = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    pattern[..., 0] = True
    mask = spec.parse("mask:path=no/longer/there.png", {"holes": pattern})
    assert torch.equal(mask(torch.ones(1, 1, 4, 4)), (~pattern).float())
    assert spec.format(mask) == ["mask:path=no/longer/there.png"]
