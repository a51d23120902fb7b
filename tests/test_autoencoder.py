"""The auto-encoder of `tiny`: laid out for speed it is the same, values and gradients."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneseed.prior._autoencoder import Decoder, Shuffle


@pytest.fixture
def decoder() -> Decoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = Decoder(4, (8, 12, 4), (1, 1, 1), 6)
        for parameter in found.parameters():
            nn.init.normal_(parameter, std=0.3)
    return found.double()


def latent() -> Tensor:
    return torch.randn(1, 4, 3, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def plain(decoder: Decoder, z: Tensor) -> Tensor:
    """D2 as it is meant: networks beside a linear picture in the first three channels."""
    h = z
    for layer in decoder.detail:
        h = F.pixel_shuffle(h, 2) if isinstance(layer, Shuffle) else layer(h)
    return h + F.pad(F.pixel_shuffle(decoder.linear(z), 8), (0, 0, 0, 0, 0, h.shape[1] - 3))


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_body_is_the_plain_one(decoder: Decoder, beside: bool, layout: torch.memory_format):
    z = latent().requires_grad_()
    expected = plain(decoder, z)
    weight = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (slope,) = torch.autograd.grad((expected * weight).sum(), z)
    if beside:
        decoder.put_beside_()
    found = decoder.to(memory_format=layout).body(z)  # type: ignore[call-overload]
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad((found * weight).sum(), z)[0], slope)


def test_side_by_side_is_another_order_of_the_same_weights(decoder: Decoder):
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    decoder.put_beside_()
    changed = [name for name, value in decoder.state_dict().items() if not torch.equal(value, before[name])]
    assert len(changed) == 6  # weights and biases in front of three shuffles
    for name, value in decoder.state_dict().items():
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
