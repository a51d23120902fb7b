"""What all tests share: one thread, so that they are fast beside others and the same everywhere, and seeded numbers."""

import os
from collections.abc import Callable

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub, which would try again for half a minute

import pytest
import torch
from torch import Tensor

torch.set_num_threads(1)


@pytest.fixture
def draw() -> Callable[..., Tensor]:
    """Numbers in [0, 1), the same in every run: draw(2, 3, 8, 8), or with dtype=torch.float64."""
    generator = torch.Generator().manual_seed(1)
    return lambda *shape, dtype=torch.float32: torch.rand(*shape, generator=generator, dtype=dtype)
