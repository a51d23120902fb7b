"""A prior is a chain of three maps, and a residual may enter at any joint between them.

seed ──R──▶ latent ──D2──▶ feature ──D1──▶ frame        (the paper's D is D1 ∘ D2)
"""

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor

from oneseed.ddim import Spacing
from oneseed.last_layer import LastLayer
from oneseed.shapes import Frames

Joint = Literal["seed", "latent", "feature"]
JOINTS: tuple[Joint, ...] = ("seed", "latent", "feature")
Map = Callable[[Tensor], Tensor]


@runtime_checkable
class Prior(Protocol):
    """What an image model must offer. Nothing here trains: its parameters are frozen."""

    name: str
    frugal: bool
    """Whether what is computed is computed again on the way back (Section 3.3), not kept: slower, and takes less memory."""

    def steps(self, started: bool) -> int:
        """T where the recipe names none; `started`: the search begins at the latent of a start, not at noise."""
        ...

    def seed_shape(self, height: int, width: int) -> tuple[int, int, int]:
        """(c, h, w) of the seed whose frame covers height x width pixels, perhaps with some to spare below and right."""
        ...

    def reverse(self, z: Tensor, steps: int, spacing: Spacing) -> Tensor:
        """R, eq 6: seed to latent; no steps: the identity."""
        ...

    def invert(self, latent: Tensor, steps: int, spacing: Spacing) -> Tensor:
        """A seed that R takes near `latent`."""
        ...

    def decode_body(self, latent: Tensor) -> Tensor:
        """D2: latent to the input of the decoder's last layer."""
        ...

    def decode_tail(self, feature: Tensor) -> Tensor:
        """D1: the decoder's last layer; frames in [0, 1], not clamped."""
        ...

    def last_layer(self) -> LastLayer:
        """D1 itself, what `decode_tail` computes."""
        ...

    def encode(self, x: Frames) -> Tensor:
        """Frames to latents, the decoder's inverse as far as it has one; sizes are padded as `seed_shape` says."""
        ...

    def to(self, device: object) -> object:
        """Move the networks to a device."""
        ...


def cut(prior: Prior, joint: Joint, steps: int, spacing: Spacing) -> tuple[Map, Map]:
    """Split the chain at a joint, so that frames = tail(head(z) + r).

    joint = "seed" is eq 7, "latent" is eq 11, "feature" is eq 12.
    """
    chain: list[Map] = [lambda z: prior.reverse(z, steps, spacing), prior.decode_body, prior.decode_tail]
    at = JOINTS.index(joint)
    return _compose(chain[:at]), _compose(chain[at:])


def _compose(maps: list[Map]) -> Map:
    def run(value: Tensor) -> Tensor:
        for apply in maps:
            value = apply(value)
        return value

    return run
