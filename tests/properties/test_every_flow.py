"""What holds for every estimator of motion. A new file in the room is tested by being there."""

import pytest
import torch
from tests.raft_weights import write_raft_weights
from torch.nn import functional as F

from oneseed import registry
from oneseed.flow.base import FlowEstimator

NAMES = registry.choices("flow")
UNTRAINED = {"raft"}  # random weights here: how good it is cannot be asked


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    special = {
        "raft": lambda: registry.find("flow", "raft")(
            "small", write_raft_weights(tmp_path_factory.mktemp("raft") / "small.pth"), updates=2
        )
    }
    built = {}

    def build(name):
        if name not in built:
            built[name] = special.get(name, registry.find("flow", name))()
        return built[name]

    return build


def textured(height, width, seed=0):
    """One smooth picture with detail everywhere."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 6 + 2, width // 6 + 2, generator=generator)
    return F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False).clamp(0, 1)


@pytest.mark.parametrize("name", NAMES)
def test_keeps_the_contract(make, name):
    assert isinstance(make(name), FlowEstimator)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(16, 16), (32, 32), (45, 61), (8, 90)])
@pytest.mark.parametrize("name", NAMES)
def test_gives_one_finite_flow_per_pair_whatever_the_size(make, name, size, dtype):
    x = torch.cat([textured(*size, seed=seed) for seed in range(3)]).to(dtype)
    flow = make(name).estimate(x[:-1], x[1:])
    assert flow.shape == (2, 2, *size)
    assert flow.dtype == dtype
    assert flow.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_no_pairs_give_no_flows(make, name):
    assert make(name).estimate(torch.zeros(0, 3, 32, 32), torch.zeros(0, 3, 32, 32)).shape == (0, 2, 32, 32)


@pytest.mark.parametrize("name", NAMES)
def test_is_deterministic_and_pairs_do_not_meet(make, name):
    x = torch.cat([textured(40, 56, seed=seed) for seed in range(3)])
    estimate = make(name).estimate
    once = estimate(x[:-1], x[1:])
    assert torch.equal(once, estimate(x[:-1], x[1:]))
    assert torch.equal(once[1:], estimate(x[1:2], x[2:]))


@pytest.mark.parametrize("name", NAMES)
def test_gives_no_gradient_and_leaves_frames_alone(make, name):
    x = torch.cat([textured(32, 32, seed=seed) for seed in range(2)])
    before = x.clone()
    flow = make(name).estimate(x[:1].requires_grad_(), x[1:])
    assert not flow.requires_grad
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", NAMES)
def test_clamps_what_lies_beyond_the_range(make, name):
    x = 3 * torch.cat([textured(32, 32, seed=seed) for seed in range(2)]) - 1
    estimate = make(name).estimate
    assert torch.equal(estimate(x[:1], x[1:]), estimate(x[:1].clamp(0, 1), x[1:].clamp(0, 1)))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNTRAINED])
def test_a_still_scene_does_not_move(make, name):
    x = textured(64, 80)
    assert make(name).estimate(x, x).abs().max() < 0.01


@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (0, -3), (-2, 3)])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"still"} | UNTRAINED])
def test_a_translation_is_recovered(make, name, dx, dy):
    wide = textured(96 + 8, 128 + 8)
    here = wide[..., 4:-4, 4:-4]
    there = wide[..., 4 - dy : 4 - dy + 96, 4 - dx : 4 - dx + 128]  # there(p + d) = here(p)
    inside = make(name).estimate(here, there)[..., 12:-12, 12:-12]
    assert (inside - torch.tensor([dx, dy]).view(1, 2, 1, 1)).abs().max() < 0.3
