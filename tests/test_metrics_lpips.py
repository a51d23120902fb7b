"""Our LPIPS against the official package."""

import os
from pathlib import Path

import cv2
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.lpips_weights import FILES, official_network, read_lpips_weights, write_lpips_weights

from oneseed.errors import RequestError
from oneseed.metrics.lpips import Lpips


@pytest.fixture(scope="module", params=["alex", "vgg"])
def both(request, tmp_path_factory):
    """Our network and the official one, with the same random weights."""
    official = official_network(request.param)
    file = write_lpips_weights(official, tmp_path_factory.mktemp("lpips") / FILES[request.param])
    return Lpips(file, request.param), official


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 3, 64, 71, generator=torch.Generator().manual_seed(2))


def test_it_is_the_official_number(both, pictures):
    ours, official = both
    x, y = pictures
    with torch.no_grad():
        theirs = official(x, y, normalize=True).flatten()
        torch.testing.assert_close(ours(x, y), theirs, rtol=1e-5, atol=1e-5)
    assert theirs.min() > 1e-3


def test_equal_pictures_are_zero(both, pictures):
    assert both[0](pictures[0], pictures[0]).tolist() == [0, 0, 0]


def test_it_can_be_a_loss_even_where_all_features_are_dead(both):
    ours, _ = both
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for bias in (p for name, p in ours.named_parameters() if name == "features.0.bias"):
        before = bias.clone()
        bias.data.fill_(-1e3)
        ours(x, torch.zeros_like(x)).sum().backward()
        bias.data.copy_(before)
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_the_weights_are_not_trained(both):
    assert not any(p.requires_grad for p in both[0].parameters())
    assert not both[0].training


@pytest.mark.parametrize("case", ["absent", "broken", "another"])
def test_a_file_of_something_else_is_refused(tmp_path, case):
    file = tmp_path / "weights.safetensors"
    if case == "broken":
        file.write_bytes(b"nothing")
    if case == "another":
        save_file({"features.0.weight": torch.zeros(1)}, file)
    with pytest.raises(RequestError, match=r"does not hold LPIPS weights for alex.*needed is a safetensors file"):
        Lpips(file, "alex")


@pytest.fixture
def shared():
    if "ONESEED_SHARED" not in os.environ:
        pytest.skip("ONESEED_SHARED does not name the folder of real data and weights")
    return Path(os.environ["ONESEED_SHARED"])


@pytest.mark.shared
@pytest.mark.parametrize("backbone", ["alex", "vgg"])
def test_with_the_real_weights_it_is_the_official_number(shared, backbone):
    """A photo against noise and against itself with noise; the heads are the official package's own."""
    file = shared / "weights" / FILES[backbone]
    photo = cv2.imread(str(shared / "data" / "kodak" / "01.png"))[:256, :256, ::-1].copy()
    x = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    official = official_network(backbone, real_heads=True)
    heads = [head.model[-1].weight.clone() for head in official.lins]
    read_lpips_weights(official, load_file(file))
    ours = Lpips(file, backbone)
    for k, head in enumerate(heads):
        torch.testing.assert_close(getattr(ours, f"lin{k}").weight, head)
    with torch.no_grad():
        for y in (noise, (x + 0.1 * noise).clamp(0, 1)):
            torch.testing.assert_close(ours(x, y), official(x, y, normalize=True).flatten(), rtol=0, atol=1e-4)
        assert ours(x, noise).item() > 0.5
        assert ours(x, x).item() == 0
