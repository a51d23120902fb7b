"""Mask: how many pixels are missing, which ones, and masks that users paint."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from oneseed.box import Box
from oneseed.degrade import _mask_files
from oneseed.degrade.mask import Mask
from oneseed.errors import RequestError


def paint(path: Path, missing: np.ndarray) -> Path:
    Image.fromarray(np.where(missing, 255, 0).astype(np.uint8)).save(path)
    return path


def left_half(width: int = 8, height: int = 6) -> np.ndarray:
    return np.broadcast_to(np.arange(width) < width // 2, (height, width))


@pytest.mark.parametrize(("missing", "count"), [(0.5, 17), (0.1, 3), (0.29, 10), (0.999, 34)])
def test_exactly_the_share_asked_for_is_missing(missing: float, count: int):
    assert (~Mask(missing).keep((4, 3, 5, 7))).sum((1, 2, 3)).tolist() == [count] * 4


def test_a_share_is_counted_as_it_is_written_in_decimals():
    assert (~Mask(0.29).keep((1, 3, 10, 10))).sum() == 29  # 0.29 * 100 is 28.999999999999996


def test_known_pixels_stay_and_missing_ones_are_black_in_all_colours():
    x = torch.rand(4, 3, 6, 8, generator=torch.Generator().manual_seed(0)) + 0.1
    mask = Mask()
    keep = mask.keep((4, 3, 6, 8))
    assert torch.equal(mask(x), x * keep)
    assert torch.equal((mask(x) != 0).all(1, keepdim=True), keep)


def test_what_is_not_a_number_stays_out_when_it_is_missing():
    mask = Mask()
    x = torch.where(mask.keep((2, 3, 6, 8)), 0.5, torch.nan).expand(2, 3, 6, 8)
    assert mask(x).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_it_is_where_in_every_precision_and_layout(dtype):
    mask, generator = Mask(), torch.Generator().manual_seed(0)
    x = (torch.rand(2, 3, 6, 8, generator=generator) - 0.5).to(dtype)
    for laid in (x, x.contiguous(memory_format=torch.channels_last), x[..., :4].expand(2, 3, 6, 4), x.mT):
        keep = mask.keep((len(laid), *laid.shape[1:]))
        assert torch.equal(mask(laid), torch.where(keep, laid, torch.zeros((), dtype=dtype)))


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # of torch.func.jvp itself
def test_both_ways_of_differentiation_and_batches_know_it():
    mask, generator = Mask(), torch.Generator().manual_seed(0)
    x, y, many = (torch.rand(*size, 2, 3, 6, 8, generator=generator) for size in ((), (), (5,)))
    where = torch.where(mask.keep((2, 3, 6, 8)), y, torch.zeros(()))
    assert torch.equal(torch.func.vjp(mask, x)[1](y)[0], where)
    assert torch.equal(torch.func.jvp(mask, (x,), (y,))[1], where)
    assert torch.equal(torch.func.vmap(mask)(many), torch.stack([mask(one) for one in many]))


def test_one_mask_serves_the_clip_unless_each_frame_has_its_own():
    one, own = Mask().keep((4, 3, 8, 8)), Mask(per_frame=True).keep((4, 3, 8, 8))
    assert all(torch.equal(frame, one[0]) for frame in one)
    assert not any(torch.equal(frame, own[0]) for frame in own[1:])
    assert own.sum((1, 2, 3)).tolist() == [32] * 4


def test_the_pattern_depends_on_seed_and_size_only():
    mask = Mask(seed=3)
    first = mask.keep((4, 3, 8, 8))
    torch.randn(5)
    assert torch.equal(mask.keep((9, 1, 8, 8))[:4], first)
    assert mask.keep((4, 3, 6, 8)).shape == (4, 1, 6, 8)
    assert torch.equal(mask.keep((4, 3, 8, 8)), first)
    assert not torch.equal(Mask(seed=4).keep((4, 3, 8, 8)), first)


def test_each_frame_has_its_own_mask_also_after_a_single_frame_was_met():
    mask = Mask(per_frame=True)
    mask.keep((1, 3, 8, 8))
    assert torch.equal(mask.keep((4, 3, 8, 8)), Mask(per_frame=True).keep((4, 3, 8, 8)))


def test_asking_for_the_shape_does_not_change_what_was_drawn():
    mask = Mask()
    mask(torch.zeros(2, 3, 8, 8))
    mask.measured_shape((2, 3, 16, 16))
    assert mask.arrays()["holes"].shape == (1, 1, 8, 8)


def test_what_has_not_been_drawn_cannot_be_told():
    with pytest.raises(RuntimeError, match="apply it"):
        Mask().arrays()


def test_white_is_missing_in_a_mask_image(tmp_path: Path):
    mask = Mask(path=paint(tmp_path / "holes.png", left_half()))
    keep = mask.keep((3, 3, 6, 8))
    assert not keep[..., :4].any()
    assert keep[..., 4:].all()


@pytest.mark.parametrize("form", ["L", "RGB", "RGBA", "P", "1", "I;16", "F"])
def test_mask_images_of_every_kind_are_read_alike(tmp_path: Path, form: str):
    grey = Image.fromarray(np.where(left_half(), 255, 0).astype(np.uint8))
    if form == "I;16":
        image = Image.fromarray(np.where(left_half(), 40000, 30000).astype(np.uint16))
    elif form == "F":
        image = Image.fromarray(np.where(left_half(), 0.5, 0.4).astype(np.float32))
    else:
        image = grey.convert(form)
    file = tmp_path / ("holes.tif" if form == "F" else "holes.png")
    image.save(file)
    assert np.array_equal(~Mask(path=file).keep((1, 3, 6, 8))[0, 0].numpy(), left_half())


def test_a_folder_of_masks_is_one_per_frame_in_natural_order(tmp_path: Path):
    for number in (2, 10, 1):
        paint(tmp_path / f"{number}.png", np.arange(48).reshape(6, 8) < number)
    (tmp_path / "notes.txt").write_text("not a mask")
    mask = Mask(path=tmp_path)
    assert (~mask.keep((3, 3, 6, 8))).sum((1, 2, 3)).tolist() == [1, 2, 10]
    with pytest.raises(RequestError, match="number of frames is 4; the masks are 3"):
        mask(torch.zeros(4, 3, 6, 8))


def test_a_lost_frame_is_a_mask_that_is_white_all_over(tmp_path: Path):
    paint(tmp_path / "0.png", np.zeros((6, 8)))
    paint(tmp_path / "1.png", np.ones((6, 8)))
    assert Mask(path=tmp_path)(torch.ones(2, 3, 6, 8)).sum((1, 2, 3)).tolist() == [3 * 48, 0]


def test_masks_that_say_nothing_are_refused(tmp_path: Path):
    with pytest.raises(RequestError, match="marks no pixel"):
        Mask(path=paint(tmp_path / "none.png", np.zeros((6, 8))))
    with pytest.raises(RequestError, match="marks every pixel"):
        Mask(path=paint(tmp_path / "all.png", np.ones((6, 8))))


def test_masks_that_cannot_be_read_are_refused(tmp_path: Path):
    with pytest.raises(RequestError, match=r"lost\.png is not there"):
        Mask(path=tmp_path / "lost.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(RequestError, match=r"text\.png cannot be read"):
        Mask(path=tmp_path / "text.png")
    rng = np.random.default_rng(0)
    whole = paint(tmp_path / "whole.png", rng.random((64, 64)) < 0.5).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RequestError, match=r"cut\.png cannot be read"):
        Mask(path=tmp_path / "cut.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="holds no images"):
        Mask(path=tmp_path / "empty")


def test_a_mask_of_another_size_is_refused(tmp_path: Path):
    mask = Mask(path=paint(tmp_path / "holes.png", left_half()))
    with pytest.raises(RequestError, match=r"frames are 10x6; the mask is 8x6 .* --size 8x6"):
        mask(torch.zeros(2, 3, 6, 10))
    paint(tmp_path / "other.png", left_half(10))
    with pytest.raises(RequestError, match=r"other\.png is 10x6, holes\.png is 8x6"):
        Mask(path=tmp_path)


def test_arguments_that_could_not_act_are_refused(tmp_path: Path):
    with pytest.raises(RequestError, match="Leave them out"):
        Mask(missing=0.3, path=paint(tmp_path / "holes.png", left_half()))


@pytest.mark.parametrize("missing", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_shares_outside_zero_and_one_are_refused(missing: float):
    with pytest.raises(RequestError, match=r"mask:missing=.*between 0 and 1"):
        Mask(missing)


def test_a_share_below_one_pixel_is_refused():
    with pytest.raises(RequestError, match="less than a pixel"):
        Mask(0.01)(torch.zeros(1, 3, 5, 5))


def test_negative_seeds_are_refused():
    with pytest.raises(RequestError, match=r"mask:seed=-1; .*from 0"):
        Mask(seed=-1)


def test_holes_that_are_not_true_or_false_are_refused():
    with pytest.raises(Exception, match="holes"):
        Mask(holes=torch.rand(1, 1, 6, 8))


def test_of_a_folder_of_masks_a_piece_reads_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(6):
        paint(tmp_path / f"{number}.png", np.arange(48).reshape(6, 8) < 4 * number + 1)
    whole, box, read = (6, 3, 6, 8), Box(2, 5, 2, 6, 0, 8), []
    plain = _mask_files.read_grey
    mask, expected = Mask(path=tmp_path), Mask(path=tmp_path)
    expected(torch.ones(whole))
    monkeypatch.setattr(_mask_files, "read_grey", lambda file: read.append(file.name) or plain(file))
    part = mask.local(whole, box)
    assert read == ["2.png", "3.png", "4.png"]
    assert torch.equal(part(torch.ones(box.shape())), box.of(expected(torch.ones(whole))))
    mask(torch.ones(whole))
    read.clear()
    mask(torch.ones(whole))
    assert read == []


def test_a_mask_that_changes_meanwhile_is_noticed(tmp_path: Path):
    for number in range(2):
        paint(tmp_path / f"{number}.png", left_half())
    mask = Mask(path=tmp_path)
    for number in range(2):
        paint(tmp_path / f"{number}.png", left_half(10))
    with pytest.raises(RequestError, match="has changed since it was first read"):
        mask(torch.ones(2, 3, 6, 8))
