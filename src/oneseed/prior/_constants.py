"""Numbers on a device, put there once: made in every call they would keep a GPU waiting for the CPU."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes


@lru_cache(maxsize=256)
def constant(numbers: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with _disable_current_modes():  # real ones, also where a size alone is asked for
        return torch.tensor(numbers, dtype=dtype, device=device)
