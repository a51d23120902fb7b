"""All frames without one feature map of a frame: the same values and gradients as D1(W_n(h) + A_n B_n), and little memory."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from oneseed import moved_compiled, residual_compiled, tail
from oneseed.last_layer import LastLayer
from oneseed.tail import frames_beside
from oneseed.warp import Warp

FRAMES, CHANNELS, RANK, HEIGHT, WIDTH = 3, 4, 2, 9, 7
TILED = 8, 16, 64
"""Channels and sides of which there are whole tiles."""
KERNELS = [(3, 3), (1, 1), (5, 3)]


def real(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer_of(kernel: tuple[int, int]) -> LastLayer:
    return LastLayer(real(3, CHANNELS, *kernel), real(3, seed=1))


def parts() -> tuple[Tensor, Tensor, Tensor]:
    """h, A and B."""
    shapes = (1, CHANNELS, HEIGHT, WIDTH), (FRAMES, CHANNELS, HEIGHT, RANK), (FRAMES, CHANNELS, RANK, WIDTH)
    h, A, B = (real(*shape, seed=seed).requires_grad_() for seed, shape in enumerate(shapes))
    return h, A, B


def motions(moves: bool) -> list[Warp]:
    return [Warp(2 * real(1, 2, HEIGHT, WIDTH, seed=n)) for n in range(FRAMES)] if moves else []


def plain(h: Tensor, A: Tensor, B: Tensor, layer: LastLayer, motion: Sequence[Warp]) -> Tensor:
    """Eq 12."""
    return layer((torch.cat([warp(h) for warp in motion]) if motion else h) + A @ B)


@pytest.fixture(params=[1, 3 * CHANNELS * WIDTH, tail.BAND], ids=["one row", "three rows", "whole"])
def band(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in (tail, moved_compiled):
        monkeypatch.setattr(part, "BAND", request.param)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("moves", [False, True])
def test_values_and_gradients_are_the_plain_ones(
    band, moves: bool, kernel: tuple[int, int], layout: torch.memory_format
):
    layer, motion, (h, A, B) = layer_of(kernel), motions(moves), parts()
    seen = h.detach().contiguous(memory_format=layout).requires_grad_()
    ours, theirs = frames_beside(seen, A, B, layer, motion), plain(h, A, B, layer, motion)
    torch.testing.assert_close(ours, theirs)
    weight = real(*ours.shape, seed=9)
    found = torch.autograd.grad((ours * weight).sum(), (seen, A, B))
    for one, other in zip(found, torch.autograd.grad((theirs * weight).sum(), (h, A, B)), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("rank", [3, 16, 32])
def test_whole_tiles_by_registers_are_the_plain_ones(monkeypatch: pytest.MonkeyPatch, rank: int, learns: bool):
    """On any processor: one without so many registers is slow at it, and right."""
    monkeypatch.setattr(residual_compiled, "_wide", lambda: True)
    channels, height, width = TILED
    layer, h = LastLayer(real(3, channels, 3, 3), real(3, seed=1)), real(1, *TILED)
    A, B = real(FRAMES, channels, height, rank, seed=1), real(FRAMES, channels, rank, width, seed=2)
    assert residual_compiled.takes(A, B, layer)
    received = {"A": torch.empty_like(A), "B": torch.empty_like(B)}

    def learn(n: int, dA_n: Tensor, dB_n: Tensor) -> None:
        received["A"][n], received["B"][n] = dA_n, dB_n

    ours, theirs = ([value.clone().requires_grad_() for value in (h, A, B)] for _ in range(2))
    x, y = frames_beside(*ours, layer, [], learn if learns else None), plain(*theirs, layer, [])
    torch.testing.assert_close(x, y)
    for video in (x, y):
        video.backward(real(*video.shape, seed=9))
    found = received.values() if learns else (value.grad for value in ours[1:])
    for one, other in zip(found, theirs[1:], strict=True):
        torch.testing.assert_close(one, other.grad)


@pytest.mark.parametrize("changes", [{"channels": 7}, {"height": 12}, {"width": 48}, {"kernel": 1}], ids=str)
def test_what_has_no_whole_tiles_goes_by_bands(monkeypatch: pytest.MonkeyPatch, changes: dict):
    monkeypatch.setattr(residual_compiled, "_wide", lambda: True)
    size = dict(zip(("channels", "height", "width"), TILED, strict=True)) | {"kernel": 3} | changes
    A, B = real(2, size["channels"], size["height"], 2), real(2, size["channels"], 2, size["width"])
    assert not residual_compiled.takes(A, B, LastLayer(real(3, size["channels"], *2 * [size["kernel"]]), real(3)))


def test_threads_change_no_bit():
    layer, motion, before, found = layer_of((3, 3)), motions(True), torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        learnt = parts()
        x = frames_beside(*learnt, layer, motion)
        found.append((x, *torch.autograd.grad(x.square().sum(), learnt)))
    torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(one, again) for one, again in zip(found[0], other, strict=True))


@pytest.mark.parametrize("where", ["far", "above", "below", "no number"])
def test_far_motion_ends_at_the_border_and_what_is_no_number_stays_on_the_picture(band, where: str):
    layer, flow, (h, A, B) = layer_of((3, 3)), 9 * real(FRAMES, 2, HEIGHT, WIDTH), parts()
    flow[:, 1] += {"above": -99, "below": 99}.get(where, 0)
    lost = where == "no number"
    if lost:
        flow[:, :, 3, 2] = torch.nan
    motion = [Warp(one[None]) for one in flow]
    ours, theirs = frames_beside(h, A, B, layer, motion), plain(h, A, B, layer, motion)
    torch.testing.assert_close(ours, theirs, equal_nan=True)
    assert bool(ours.isnan().any()) is lost
    weight = real(*ours.shape, seed=9)
    for one, other in zip(*(torch.autograd.grad((x * weight).sum(), (h, A, B)) for x in (ours, theirs)), strict=True):
        torch.testing.assert_close(one, other, equal_nan=True)


def test_only_nine_taps_go_by_registers():
    h, *_ = parts()
    assert [moved_compiled.takes(h, layer_of(kernel), motions(True)) for kernel in KERNELS] == [True, False, False]


@pytest.mark.parametrize("moves", [False, True])
def test_gradients_are_those_of_finite_differences(moves: bool):
    layer, motion = layer_of((3, 3)), motions(moves)
    assert torch.autograd.gradcheck(lambda h, A, B: frames_beside(h, A, B, layer, motion), parts())


def test_without_a_gradient_for_what_is_shared_the_factors_get_theirs():
    h, A, B = parts()
    layer, motion = layer_of((3, 3)), motions(True)
    one = torch.autograd.grad(frames_beside(h.detach(), A, B, layer, motion).square().sum(), (A, B))
    other = torch.autograd.grad(plain(h, A, B, layer, motion).square().sum(), (A, B))
    for ours, theirs in zip(one, other, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_who_learns_is_told_of_each_frame_instead_of_the_factors(band):
    layer, motion, (h, A, B), told = layer_of((3, 3)), motions(True), parts(), dict[int, tuple[Tensor, Tensor]]()
    dh, dA, dB = torch.autograd.grad(frames_beside(h, A, B, layer, motion).square().sum(), (h, A, B))

    def learn(n: int, dA_n: Tensor, dB_n: Tensor) -> None:
        told[n] = dA_n.clone(), dB_n.clone()
        with torch.no_grad():
            A[n], B[n] = torch.nan, torch.nan  # it is through with this frame

    frames_beside(h, A, B, layer, motion, learn).square().sum().backward()
    assert torch.equal(h.grad, dh)
    assert A.grad is B.grad is None
    assert all(torch.equal(told[n][0], dA[n]) and torch.equal(told[n][1], dB[n]) for n in range(FRAMES))


def test_nothing_but_the_factors_waits_for_the_way_back():
    h, A, B = parts()
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        frames_beside(h, A, B, layer_of((3, 3)), motions(True))
    assert sum(kept) == A.numel() + B.numel()


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_last_layer_is_a_convolution(kernel: tuple[int, int]):
    sides = kernel[0] // 2, kernel[1] // 2
    conv = nn.Conv2d(CHANNELS, 3, kernel, padding=sides).double()
    h, _, _ = parts()
    torch.testing.assert_close(LastLayer.of(conv)(h), conv(h))


@pytest.mark.parametrize(
    "changes", [{"stride": 2}, {"dilation": 2}, {"padding": 0}, {"padding_mode": "reflect"}, {"bias": False}], ids=str
)
def test_any_other_convolution_is_not_taken_for_one(changes: dict):
    with pytest.raises(AssertionError):
        LastLayer.of(nn.Conv2d(CHANNELS, 3, 3, **{"padding": 1, **changes}))
