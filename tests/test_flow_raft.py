"""How RAFT is fed and where its weights come from, with random weights."""

from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from tests.raft_weights import write_raft_weights
from torch.nn import functional as F

from oneseed.errors import RequestError
from oneseed.flow import raft as raft_module
from oneseed.flow.raft import Raft


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_raft_weights(tmp_path_factory.mktemp("raft") / "small.pth")


@pytest.fixture
def two():
    return torch.rand(2, 3, 100, 133, generator=torch.Generator().manual_seed(3))


def test_sides_are_padded_by_the_border_to_what_raft_takes_and_cropped_back(weights, two):
    raft = Raft("small", weights, updates=2)
    covered = F.pad(two, (0, 3, 0, 28), mode="replicate")
    assert torch.equal(raft.estimate(two[:1], two[1:]), raft.estimate(covered[:1], covered[1:])[..., :100, :133])


def test_the_network_sees_frames_from_minus_one_to_one(weights, two, monkeypatch):
    raft = Raft("small", weights, updates=1)
    seen = []
    forward = raft._network.forward
    monkeypatch.setattr(raft._network, "forward", lambda a, b, **rest: seen.append((a, b)) or forward(a, b, **rest))
    raft.estimate(two[:1], two[1:])
    for x, y in zip(seen[0], two, strict=True):
        torch.testing.assert_close(x[0, :, :100, :133], 2 * y - 1)


def test_some_at_a_time_are_pair_by_pair(weights, monkeypatch):
    x = torch.rand(4, 3, 100, 133, generator=torch.Generator().manual_seed(4))
    raft, sizes = Raft("small", weights, updates=2), []
    expected, forward = raft.estimate(x[:-1], x[1:]), raft._network.forward
    monkeypatch.setattr(raft_module, "TOGETHER", {"cpu": 2})
    monkeypatch.setattr(raft._network, "forward", lambda a, b, **rest: sizes.append(len(a)) or forward(a, b, **rest))
    torch.testing.assert_close(raft.estimate(x[:-1], x[1:]), expected, rtol=1e-4, atol=1e-4)
    assert sizes == [2, 1]


def test_half_precision_is_nearly_the_same_flow(weights, two, monkeypatch):
    raft = Raft("small", weights, updates=2)
    expected = raft.estimate(two[:1], two[1:])
    monkeypatch.setattr(raft_module, "HALF", {"cpu": torch.bfloat16})
    found = raft.estimate(two[:1], two[1:])
    assert found.dtype == torch.float32
    assert 0 < (found - expected).norm() < 0.05 * expected.norm()


def test_no_pairs_have_no_flow(weights, two):
    assert Raft("small", weights, updates=1).estimate(two[:0], two[:0]).shape == (0, 2, 100, 133)


def test_the_network_is_not_trained(weights):
    network = Raft("small", weights)._network
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_more_updates_are_another_flow(weights, two):
    flows = [Raft("small", weights, updates).estimate(two[:1], two[1:]) for updates in (1, 2)]
    assert not torch.equal(*flows)


def test_pth_and_safetensors_hold_the_same(weights, two, tmp_path):
    state = torch.load(weights, weights_only=True)
    save_file(state, tmp_path / "small.safetensors")
    one, other = Raft("small", weights, 1), Raft("small", tmp_path / "small.safetensors", 1)
    assert torch.equal(one.estimate(two[:1], two[1:]), other.estimate(two[:1], two[1:]))


def test_weights_of_another_size_are_refused(weights):
    with pytest.raises(RequestError, match="needed are weights of torchvision's raft_large"):
        Raft("large", weights)


@pytest.mark.parametrize("name", ["absent.pth", "absent.safetensors", "broken.pth", "broken.safetensors", "list.pth"])
def test_a_file_without_weights_is_refused(tmp_path, name):
    if "broken" in name:
        (tmp_path / name).write_bytes(b"not weights at all")
    if "list" in name:
        torch.save([1, 2], tmp_path / name)
    with pytest.raises(RequestError, match=r"(cannot be read as weights|holds another network).*needed"):
        Raft("small", tmp_path / name)


def test_without_a_network_it_says_where_to_put_the_file(monkeypatch, tmp_path):
    def unreachable(*_, **__):
        raise URLError("no route")

    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(RequestError) as error:
        Raft("small")
    message = str(error.value)
    assert "raft_small_C_T_V2-01064c6d.pth" in message
    assert str(tmp_path / "checkpoints") in message
    assert "\n" not in message


def test_without_torchvision_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torchvision.models", None)
    with pytest.raises(RequestError, match=r"pip install 'oneseed\[raft\]'"):
        Raft("small")
