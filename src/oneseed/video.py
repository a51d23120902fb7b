"""The video as the method writes it: x_n = D1(W_n(D2(R(z_shared))) + r_n), with the residual at the joint of choice."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as recompute

from oneseed.graphs import recorded
from oneseed.journal import Baton
from oneseed.prior.base import Prior, cut
from oneseed.recipe import Recipe
from oneseed.residual import LowRankResidual
from oneseed.shapes import Flow, Frames
from oneseed.tail import Learn, frames_beside
from oneseed.warp import Estimate, Warp


class Video(nn.Module):
    """z_shared and the residuals, and the frames that they stand for.

    Args:
        shape: (N, C, H, W) of the frames; sizes that the prior does not take are covered and cropped back.
        generator: draws z_shared ~ N(0, I) and then A (Algorithm 1, line 1).
        plain: eq 12 as it is written, all frames at once; slow and large, and what the fast way is measured by.
    """

    def __init__(
        self,
        prior: Prior,
        shape: tuple[int, int, int, int],
        recipe: Recipe,
        generator: torch.Generator,
        device: torch.device,
        plain: bool = False,
    ):
        super().__init__()
        frames, _, self.height, self.width = shape
        recipe = recipe.settled(prior, started=False)
        assert recipe.steps is not None
        self.prior, self.recipe, self.steps, self.plain = prior, recipe, recipe.steps, plain
        self.head, self.tail = cut(prior, recipe.joint, self.steps, recipe.spacing)
        seed = torch.randn(1, *prior.seed_shape(self.height, self.width), generator=generator)
        self.z_shared = nn.Parameter(seed.to(device))
        self.deep = recipe.joint != "feature"
        """Whether residuals pass through more than D1, and frames so hold something for the way back."""
        with torch.no_grad():
            _, *joint = self.head(self.z_shared).shape
        shape_there = joint[0], joint[1], joint[2]
        self.residual = LowRankResidual(frames, shape_there, recipe.rank, recipe.radius, generator, device)
        self.motion: list[Warp] = []
        """Where each frame finds its pixels in the key frame; empty: all frames share the features as they are."""

        self.learn: Learn | None = None
        """Who is told what each frame's A and B receive, at once, in place of A and B; asked for where they enter D1."""

    def forward(self) -> Frames:
        return self.frames_of(self.head(self.z_shared))  # Algorithm 1, lines 3-8: once for all frames

    def record(self) -> None:
        """Have what is done once for all frames run as a CUDA graph, where it can; not where it is computed again."""
        if self.recipe.joint != "seed" and not (self.prior.frugal or self.plain):
            self.head = recorded(self.head, self.z_shared)

    def frames_of(self, shared: Tensor) -> Frames:
        """The frames that the residuals make of what all share."""
        frames = range(len(self.residual.A))
        if not self.deep:
            x = self._beside(shared)
        elif self.prior.frugal and torch.is_grad_enabled():  # one frame's activations at a time
            x = torch.cat([recompute(self._frame, n, shared, use_reentrant=False) for n in frames])  # type: ignore[misc]
        else:
            x = torch.cat([self._frame(n, shared) for n in frames])
        return x[..., : self.height, : self.width]

    def learnt(self) -> list[nn.Parameter]:
        """All that is searched for: z_shared, then A and B."""
        return [self.z_shared, *self.residual.parameters()]

    def _frame(self, n: int, shared: Tensor) -> Frames:
        return self.tail(shared + self.residual.frame(n))  # line 9: eq 7 or 11

    def _beside(self, shared: Tensor) -> Frames:
        """D1(W_n(h) + r_n), eq 12."""
        layer, A, B = self.prior.last_layer(), self.residual.A, self.residual.B
        if not self.plain:
            return frames_beside(shared, A, B, layer, self.motion, self.learn)
        moved = torch.cat([warp(shared) for warp in self.motion]) if self.motion else shared
        return layer(moved + self.residual())

    @torch.no_grad()
    def begin_at(self, x: Frames, estimate: Estimate) -> None:
        """Start the shared part near the middle frame of `x`; and let it move as `x` does, if the recipe says so.

        Not in the paper, where the seed starts from noise and all frames share one feature map that stands still.
        """
        recipe, key = self.recipe, x[len(x) // 2][None]
        self.z_shared.copy_(self.prior.invert(self.prior.encode(key), self.steps, recipe.spacing))
        if recipe.follow_motion:
            flows = estimate(x, key.expand_as(x))
            _, _, height, _ = self.residual.A.shape
            spare = (0, self.residual.B.shape[-1] - self.width, 0, height - self.height)
            self.follow(nn.functional.pad(flows, spare, mode="replicate"))

    def follow(self, flows: Flow | None) -> None:
        """Where each frame finds its pixels in the key frame; None: where it has them itself."""
        self.motion = [] if flows is None else [Warp(flow[None]) for flow in flows]

    @torch.no_grad()
    def begin_with(self, baton: Baton) -> bool:
        """Start where the window before ended: with its seed, and with its residuals of the frames that both have.

        Not in the paper, which has one window. False, and nothing is done, where that window was of another size.
        """
        z_shared, *factors = baton.learnt
        mine = list(self.residual.parameters())
        if z_shared.shape != self.z_shared.shape or any(
            a.shape[1:] != b.shape[1:] for a, b in zip(factors, mine, strict=True)
        ):
            return False
        self.z_shared.copy_(z_shared)
        for factor, before in zip(mine, factors, strict=True):
            common = before[baton.later :]
            factor[: len(common)] = common
        return True
