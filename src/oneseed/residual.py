"""What each frame adds to what all share: r_n = A_n B_n, kept inside a ball (eqs 7, 8, 12, 13)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LowRankResidual(nn.Module):
    """r_n = A_n B_n for every frame and channel, with ‖r_n‖ ≤ C √dim(r_n).

    Args:
        frames: N.
        shape: (C, H, W) of one frame's residual at its joint.
        rank: k; at most min(H, W) says anything new.
        radius: C.
        generator: draws A; B starts at zero, so that r = 0 and yet both factors can learn (the paper leaves the
            start open, and two zero factors would never receive a gradient).
    """

    def __init__(
        self,
        frames: int,
        shape: tuple[int, int, int],
        rank: int,
        radius: float,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
    ):
        super().__init__()
        channels, height, width = shape
        A = torch.randn(frames, channels, height, rank, generator=generator) / math.sqrt(rank)
        self.A = nn.Parameter(A.to(device))
        self.B = nn.Parameter(torch.zeros(frames, channels, rank, width, device=device))
        self.size = channels * height * width
        self.limit = radius * math.sqrt(self.size)  # L'σ = C √dim (Section 3.3)

    def forward(self) -> Float[Tensor, "N C H W"]:
        return self.A @ self.B

    def frame(self, n: int) -> Float[Tensor, "1 C H W"]:
        """r_n alone."""
        return self.A[n : n + 1] @ self.B[n : n + 1]

    @torch.no_grad()
    def norms(self) -> Float[Tensor, " N"]:
        """‖r_n‖ without ever forming r_n: ‖A B‖² = ⟨AᵀA, B Bᵀ⟩."""
        gram = (self.A.mT @ self.A) * (self.B @ self.B.mT)
        return gram.sum((1, 2, 3)).clamp(min=0).sqrt()

    def rms(self) -> float:
        """Root mean square of all residuals together; the ball ends at C."""
        return (self.norms().square().mean() / self.size).sqrt().item()

    @torch.no_grad()
    def project_(self) -> None:
        """Eq 13, for residuals outside the ball only: as printed it would also push out those inside."""
        excess = (self.norms() / self.limit).clamp(min=1).sqrt()[:, None, None, None]
        self.A /= excess
        self.B /= excess
