"""Sidecar: the exact operator comes back, and damaged descriptions are refused."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from oneseed import sidecar, spec
from oneseed.degrade import motion_blur
from oneseed.degrade.base import Degradation
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.errors import RequestError
from oneseed.sidecar import read_sidecar, sidecar_files, write_sidecar

WORDS = ["motion-blur:size=9,intensity=0.5,seed=0", "temporal-blur:width=3,edges=reflect", "mask:missing=0.3,seed=1"]


def frames() -> torch.Tensor:
    return torch.rand(5, 3, 16, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def applied(*words: str) -> Degradation:
    degradation = spec.parse_all(words)
    degradation(frames())
    return degradation


def back(output: Path) -> Degradation:
    found = read_sidecar(output)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("name", ["frames", "clip.mp4"])
@pytest.mark.parametrize("per_frame", ["true", "false"])
def test_the_exact_operator_comes_back_when_random_generators_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, per_frame: str
):
    A = applied(*WORDS[:2], f"{WORDS[2]},per_frame={per_frame}")
    y = A(frames())
    write_sidecar(tmp_path / name, A, noise=0.05, seed=7)
    monkeypatch.setattr(torch, "randperm", lambda *_, **__: pytest.fail("drawn again"))
    monkeypatch.setattr(motion_blur, "draw_kernel", lambda *_: pytest.fail("drawn again"))
    found = read_sidecar(tmp_path / name)
    assert found is not None
    assert found[1] == 0.05
    assert torch.equal(found[0](frames()), y)
    assert spec.format(found[0]) == spec.format(A)


def test_the_rate_is_told_where_it_is_known(tmp_path: Path):
    for rate in (Fraction(30000, 1001), None):
        write_sidecar(tmp_path / "clip.mp4", applied(*WORDS), 0.0, 0, rate)
        found = read_sidecar(tmp_path / "clip.mp4")
        assert found is not None
        assert found.rate == rate


def test_a_description_written_of_what_was_read_is_the_same(tmp_path: Path):
    write_sidecar(tmp_path / "a", applied(*WORDS), 0.0, 0)
    write_sidecar(tmp_path / "b", back(tmp_path / "a"), 0.0, 0)
    first, second = ([file.read_bytes() for file in sidecar_files(tmp_path / name)] for name in "ab")
    assert first == second
    assert len(first) == 3


def test_files_lie_in_a_folder_and_beside_a_file(tmp_path: Path):
    A = applied(*WORDS)
    (tmp_path / "frames").mkdir()
    for name in ("frames", "clip.mp4"):
        write_sidecar(tmp_path / name, A, 0.0, 0)
    assert [file.relative_to(tmp_path).as_posix() for file in sidecar_files(tmp_path / "frames")] == [
        "frames/degradation.json",
        "frames/degradation/1-motion-blur-kernel.png",
        "frames/degradation/3-mask-holes.png",
    ]
    assert [file.relative_to(tmp_path).as_posix() for file in sidecar_files(tmp_path / "clip.mp4")] == [
        "clip.mp4.degradation.json",
        "clip.mp4.degradation/1-motion-blur-kernel.png",
        "clip.mp4.degradation/3-mask-holes.png",
    ]
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == {
        file for name in ("frames", "clip.mp4") for file in sidecar_files(tmp_path / name)
    }


def test_the_mask_images_can_be_given_back_as_a_mask(tmp_path: Path):
    A = applied("mask:per_frame=true")
    write_sidecar(tmp_path, A, 0.0, 0)
    assert torch.equal(Mask(path=tmp_path / "degradation" / "1-mask-holes")(frames()), A(frames()))


def test_the_kernel_image_shows_the_kernel(tmp_path: Path):
    A = MotionBlur()
    write_sidecar(tmp_path, A, 0.0, 0)
    picture = np.array(Image.open(tmp_path / "degradation" / "1-motion-blur-kernel.png"))
    np.testing.assert_allclose(picture / 255, A.kernel / A.kernel.max(), atol=0.5 / 255 + 1e-9)


def test_what_was_painted_is_found_when_the_painting_is_gone(tmp_path: Path):
    Image.fromarray(np.eye(16, 20, dtype=np.uint8) * 255).save(tmp_path / "holes.png")
    A = applied(f"mask:path={tmp_path / 'holes.png'}")
    write_sidecar(tmp_path / "out", A, 0.0, 0)
    (tmp_path / "holes.png").unlink()
    assert torch.equal(back(tmp_path / "out")(frames()), A(frames()))
    assert spec.format(back(tmp_path / "out")) == spec.format(A)


def test_what_was_given_in_python_comes_back(tmp_path: Path):
    kernel = torch.rand(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    A = MotionBlur(kernel=kernel / kernel.sum())
    write_sidecar(tmp_path, A, 0.0, 0)
    assert torch.equal(back(tmp_path)(frames()), A(frames()))


def test_nothing_is_found_where_nothing_was_written(tmp_path: Path):
    assert read_sidecar(tmp_path) is None
    assert read_sidecar(tmp_path / "clip.mp4") is None
    assert sidecar_files(tmp_path) == []


def test_writing_again_leaves_nothing_of_the_old_one(tmp_path: Path):
    write_sidecar(tmp_path, applied("mask:per_frame=true"), 0.0, 0)
    assert len(sidecar_files(tmp_path)) == 6
    (tmp_path / "degradation" / "mine.png").write_bytes(b"a user's")
    write_sidecar(tmp_path, applied("mask"), 0.0, 0)
    assert len(sidecar_files(tmp_path)) == 2
    assert (tmp_path / "degradation" / "mine.png").exists()
    back(tmp_path)


def test_a_write_that_fails_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_sidecar(tmp_path / "old", applied("mask"), 0.0, 0)
    before = {file: file.read_bytes() for file in sidecar_files(tmp_path / "old")}
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "json" in path.name:
            raise OSError("disk full")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    for name in ("old", "new"):
        with pytest.raises(OSError, match="disk full"):
            write_sidecar(tmp_path / name, applied("mask:seed=5"), 0.0, 0)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    assert not (tmp_path / "new").exists()


def test_wrong_requests_write_nothing(tmp_path: Path):
    with pytest.raises(RequestError, match="--noise is -1"):
        write_sidecar(tmp_path / "out", applied("mask"), -1.0, 0)
    with pytest.raises(RuntimeError, match="apply it"):
        write_sidecar(tmp_path / "out", Mask(), 0.0, 0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["format"], 2),
        (["format"], None),
        (["noise"], -0.5),
        (["noise"], "loud"),
        (["rate"], "0"),
        (["rate"], "1/0"),
        (["rate"], None),
        (["degradation"], []),
        (["degradation"], None),
        (["degradation", 0, "spec"], "blur"),
        (["degradation", 0, "spec"], "../../mask"),
        (["degradation", 0, "spec"], 3),
        (["degradation", 0, "arrays", "kernel", "values"], [[1, 2], [3]]),
        (["degradation", 0, "arrays", "kernel", "values"], [["a"]]),
        (["degradation", 0, "arrays", "kernel", "values"], [1.0]),
        (["degradation", 0, "arrays", "kernel", "values", 0, 0], float("nan")),
        (["degradation", 0, "arrays", "kernel", "dtype"], "nn"),
        (["degradation", 0, "arrays", "wobble"], {"dtype": "float64", "values": [1.0]}),
        (["degradation", 2, "arrays", "holes", "shape"], [1, 1, 4, 4]),
        (["degradation", 2, "arrays", "holes", "shape"], []),
        (["degradation", 2, "arrays", "holes", "sha256"], "0"),
    ],
)
def test_damaged_descriptions_are_refused(tmp_path: Path, path: list[str | int], value: object):
    write_sidecar(tmp_path, applied(*WORDS), 0.0, 0)
    file = tmp_path / "degradation.json"
    content = json.loads(file.read_bytes())
    at = content
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    file.write_text(json.dumps(content))
    with pytest.raises(RequestError, match=r"degradation\.json cannot be used .* Describe the damage with -d"):
        read_sidecar(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_description_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "degradation.json").write_bytes(content)
    with pytest.raises(RequestError, match="cannot be used"):
        read_sidecar(tmp_path)


def test_images_that_were_changed_or_lost_are_refused(tmp_path: Path):
    write_sidecar(tmp_path / "out", applied("mask"), 0.0, 0)
    name = "degradation/1-mask-holes.png"
    shutil.copytree(tmp_path / "out", tmp_path / "lost")
    (tmp_path / "lost" / name).unlink()
    with pytest.raises(RequestError, match="is not there"):
        read_sidecar(tmp_path / "lost")
    write_sidecar(tmp_path / "other", applied("mask:seed=9"), 0.0, 0)
    shutil.copy(tmp_path / "other" / name, tmp_path / "out" / name)
    with pytest.raises(RequestError, match="is not the mask that was written"):
        read_sidecar(tmp_path / "out")


def test_the_format_is_numbered(tmp_path: Path):
    write_sidecar(tmp_path, applied("downsample"), 0.1, 4)
    content = json.loads((tmp_path / "degradation.json").read_bytes())
    assert content == {
        "format": sidecar.FORMAT,
        "noise": 0.1,
        "seed": 4,
        "degradation": [{"spec": "downsample:factor=4", "arrays": {}}],
    }
