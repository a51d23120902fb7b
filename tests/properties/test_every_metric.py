"""What holds for every metric. A new file in the room is tested by being there."""

import pytest
import torch
from tests.lpips_weights import official_network, write_lpips_weights
from torch.nn import functional as F

from oneseed import registry
from oneseed.metrics.base import Metric

NAMES = registry.choices("metrics")


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """A metric that needs more than the two videos gets it here, by the name of its argument."""

    def random_lpips():
        file = tmp_path_factory.mktemp("lpips") / "alex.safetensors"
        return registry.find("metrics", "lpips")(write_lpips_weights(official_network("alex"), file), "alex")

    special = {
        "lpips": random_lpips,
        "warping-error": lambda: registry.find("metrics", "warping-error")(
            lambda here, there: here.new_zeros(len(here), 2, *here.shape[-2:])
        ),
    }
    built = {}

    def build(name):
        if name not in built:
            offered = registry.find("metrics", name)
            built[name] = special[name]() if name in special else offered() if isinstance(offered, type) else offered
        return built[name]

    return build


@pytest.fixture
def video():
    """A still picture, four times: perfect by every metric."""
    generator = torch.Generator().manual_seed(5)
    picture = F.interpolate(torch.rand(1, 3, 9, 11, generator=generator), size=(45, 55), mode="bicubic")
    return picture.clamp(0.1, 0.9).repeat(4, 1, 1, 1)


def noisy(x, sigma):
    return x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("name", NAMES)
def test_gives_one_number_per_frame_or_pair(make, name, video):
    metric = make(name)
    values = metric(noisy(video, 0.1), video)
    assert isinstance(metric, Metric)
    assert values.shape in {(4,), (3,)}
    assert values.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_more_noise_is_worse(make, name, video):
    perfect, good, bad, awful = (make(name)(noisy(video, sigma), video).mean() for sigma in (0, 0.02, 0.1, 0.3))
    assert perfect > good > bad > awful or perfect < good < bad < awful


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_is_judged_alone(make, name, video):
    result = noisy(video, 0.1)
    worse = result.clone()
    worse[3] = noisy(video, 0.3)[3]
    before, after = make(name)(result, video), make(name)(worse, video)
    torch.testing.assert_close(after[:2], before[:2])
    assert after[-1] != before[-1]


@pytest.mark.parametrize("name", NAMES)
def test_is_repeatable_and_leaves_frames_alone(make, name, video):
    result, reference = noisy(video, 0.1), video.clone()
    before = result.clone()
    assert torch.equal(make(name)(result, reference), make(name)(result, reference))
    assert torch.equal(result, before)
    assert torch.equal(reference, video)
