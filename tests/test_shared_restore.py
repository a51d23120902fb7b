"""On real footage: the start beats a filter that needs no learning, and the chain never steps back from it."""

import os
from pathlib import Path

import pytest
from bench.methods import find
from bench.tasks import measure

from oneseed.clip.read import read
from oneseed.metrics.psnr import psnr

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("task", ["mask", "downsample"])
def test_draft_beats_the_filters_and_the_chain_beats_the_draft(task):
    clean = read(Path(os.environ["ONESEED_SHARED"]) / "data/davis/camel", "0:8", "128").frames
    given = measure(clean, task)

    def quality(name: str) -> float:
        restored = find(name).run(given, clean)
        assert restored is not None
        return psnr(restored.x.clamp(0, 1), clean).mean().item()

    simple = quality({"mask": "telea", "downsample": "back_projection"}[task])
    draft = quality("draft")
    assert draft > simple + 0.3
    assert quality("balanced:fit_epochs=10,epochs=10") > draft + 0.1
