"""Differences between neighbouring pixels, and their transpose."""

import pytest
import torch
from torch import Tensor

from oneseed.differences import add_transposed, bends, slopes

SIZES = [(2, 3, 6, 5), (1, 1, 3, 3), (1, 2, 1, 4), (1, 1, 2, 2), (1, 1, 1, 1)]


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("count", [2, 4])
def test_the_transpose_is_exact(shape: tuple[int, int, int, int], count: int):
    x = drawn(*shape)
    differences = (*slopes(x), *bends(x))[:count]
    others = [drawn(*d.shape) for d in differences]
    back = torch.zeros_like(x)
    add_transposed(back, others)
    assert (x * back).sum().item() == pytest.approx(
        sum((d * o).sum().item() for d, o in zip(differences, others, strict=True))
    )


def test_it_adds_to_what_is_there():
    x = drawn(1, 1, 4, 4)
    once, on_top = torch.zeros_like(x), x.clone()
    for total in (once, on_top):
        add_transposed(total, slopes(x))
    assert torch.allclose(on_top, x + once)


def test_a_plane_has_one_slope_and_does_not_bend():
    plane = torch.arange(4.0)[:, None] * 2 + torch.arange(5.0)[None]
    right, down = slopes(plane[None, None])
    assert (right == 1).all()
    assert (down == 2).all()
    assert all((bend == 0).all() for bend in bends(plane[None, None]))


def test_a_spike_bends():
    across, down = bends(torch.tensor([[0.0, 1.0, 0.0]])[None, None])
    assert across.flatten().tolist() == [1.0]
    assert down.numel() == 0
