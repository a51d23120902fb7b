"""Frames that stay on disk until they are asked for."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from oneseed.shapes import Frames


@dataclass(frozen=True)
class Reel(ABC):
    """As many frames as `shape` (N, 3, H, W) says, float32, RGB in [0, 1]: sliced and walked over like a tensor of them.

    Or `N 1 H W`, alpha.
    """

    shape: tuple[int, int, int, int]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, span: slice) -> Float[Tensor, "N c H W"]:
        """Frames first:last, read now.

        Raises:
            RequestError: they cannot be read, or are not what they were.
        """
        first, last, step = span.indices(len(self))
        if step != 1 or last <= first:
            raise IndexError(f"{span} of {len(self)} frames; needed first:last, and at least one frame")
        block = torch.empty(last - first, *self.shape[1:])
        for number, image in enumerate(self.images(first, last)):
            block[number] = image
        return block

    def __iter__(self) -> Iterator[Float[Tensor, "c H W"]]:
        return self.images(0, len(self))

    @abstractmethod
    def images(self, first: int, last: int) -> Iterator[Float[Tensor, "c H W"]]:
        """Frames first <= n < last, one by one."""


def loaded(frames: Any) -> Frames:
    """All frames in memory, of a reel or of a tensor."""
    return frames[:] if isinstance(frames, Reel) else frames
