"""What a run will hold, before it begins: one epoch of it on tensors that have a size and no content."""

import os
import weakref
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from oneseed.errors import RequestError
from oneseed.prior.base import Prior
from oneseed.recipe import Recipe
from oneseed.video import Video

BESIDE = 30
"""Videos that measurements, flows, least squares and their steps hold together, by measurement."""
FEW = 0.05
"""Of the memory that is free: whose videos take no more than this is not looked at any closer."""
SURE = 0.8
"""Of the memory that is free: what is estimated to take no more is kept. An estimate may be a quarter too low."""
SPARE = 1.1
"""What the allocator leaves unused, and what libraries take."""


@dataclass(frozen=True)
class Estimate:
    """Bytes, at the most, of one run."""

    weights: int
    epoch: int
    """What an epoch holds on top of the weights: activations, gradients, the optimiser's state."""
    beside: int

    @property
    def total(self) -> int:
        return int(SPARE * (self.weights + self.epoch + self.beside))

    def fits(self, free: int) -> bool:
        """Whether so many bytes are enough, with the weights there already."""
        return self.total - int(SPARE * self.weights) <= free


class _Peak(TorchDispatchMode):
    """Adds up what is alive."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = self.most = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for value in tree_iter(result):
            if isinstance(value, torch.Tensor):
                self._count(value.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self.known:
            return
        self.known.add(key)
        size = storage.nbytes()
        self.alive += size
        self.most = max(self.most, self.alive)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.alive -= size


def estimate(prior: Prior | None, shape: tuple[int, int, int, int], recipe: Recipe) -> Estimate:
    """The peak of one epoch of Algorithm 1, its networks and videos included.

    Args:
        prior: None, where the recipe has no epochs.
        shape: (N, C, H, W) of the restored frames.
    """
    n, c, h, w = shape
    beside = 4 * n * c * h * w * BESIDE
    if prior is None:
        return Estimate(0, 0, beside)
    from torch._subclasses.fake_tensor import FakeTensorMode

    networks: Any = prior
    held = [*networks.parameters(), *networks.buffers()]
    recipe = recipe.settled(prior, started=False)
    one = (
        replace(recipe, steps=min(recipe.steps or 0, 1)) if prior.frugal else recipe
    )  # R then holds one step at a time
    with FakeTensorMode(allow_non_fake_inputs=True), _Peak() as peak:
        place = held[0].device if held else torch.device("cpu")
        video = Video(prior, shape, one, torch.Generator(), place)
        video().square().mean().backward()
        adam = sum(2 * value.numel() * value.element_size() for value in video.learnt())
    held = [*networks.parameters(), *networks.buffers()]  # by now all that the recipe needs is read
    weights = sum(value.numel() * value.element_size() for value in held)
    return Estimate(weights, peak.most + adam, beside)


def free_bytes(device: torch.device) -> int | None:
    """What may still be taken; None where that cannot be told."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo") as lines:
            found = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration, ValueError):
        try:
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):
            return None


def fits(
    prior: Prior | None, shape: tuple[int, int, int, int], recipe: Recipe, device: torch.device, share: int = 1
) -> bool:
    """Whether there is memory enough; the prior is made frugal only where that is needed.

    The prior's weights are on the device already. Small runs are not looked at any closer and change nothing.

    Args:
        share: runs that share the memory.
    """
    n, c, h, w = shape
    free = free_bytes(device)
    free = None if free is None else free // share
    if free is None or (4 * n * c * h * w * BESIDE < FEW * free and (prior is None or not prior.frugal)):
        return True
    return _thriftily(prior, shape, recipe, free).fits(free)


def require_memory(
    prior: Prior | None, shape: tuple[int, int, int, int], recipe: Recipe, device: torch.device, share: int = 1
) -> None:
    """Refuse what does not fit, and say what would; see `fits`.

    Raises:
        RequestError: too little memory.
    """
    if fits(prior, shape, recipe, device, share):
        return
    n, c, h, w = shape
    free = (free_bytes(device) or 0) // share
    advice = []
    for fewer in (n // 2, n // 4, n // 8):
        if fewer >= 2 and estimate(prior, (fewer, c, h, w), recipe).fits(free):
            advice.append(f"--window {fewer}")
            break
    for side in (0.75, 0.5, 0.25):
        small = (n, c, max(8, int(h * side) // 8 * 8), max(8, int(w * side) // 8 * 8))
        if estimate(prior, small, recipe).fits(free):
            advice.append(f"--tile {small[3]}x{small[2]}")
            break
    if share > 1:
        advice.append("fewer --workers")
    if prior is not None:
        advice.append("--preset draft, which needs no prior")
    raise RequestError(
        f"{n} frames of {w}x{h} with this prior need about {gib(estimate(prior, shape, recipe).total)}; "
        f"{device} has {gib(free)} free{' for each worker' * (share > 1)}. Try {' or '.join(advice) or 'another machine'}."
    )


def _thriftily(prior: Prior | None, shape: tuple[int, int, int, int], recipe: Recipe, free: int) -> Estimate:
    """The estimate, of a prior that is frugal only if it must."""
    if prior is not None:
        prior.frugal = False
        needed = estimate(prior, shape, recipe)
        if needed.fits(int(SURE * free)):
            return needed
        prior.frugal = True
    return estimate(prior, shape, recipe)


def gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
