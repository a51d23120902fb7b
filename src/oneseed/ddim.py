"""R: the deterministic reverse process (DDIM, Song et al. 2021, eq 12 with sigma = 0; the paper's eqs 3 and 6)."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint as recompute

from oneseed.errors import RequestError

Noise = Callable[[Tensor, int], Tensor]  # eps_theta(z_t, t)
Spacing = Literal["trailing", "leading", "linspace"]
Latents = Float[Tensor, "N c h w"]


def timesteps(steps: int, trained: int, spacing: Spacing = "trailing") -> list[int]:
    """The trained steps that R visits, first to last.

    Args:
        spacing: `trailing` starts at the last trained step, where z is nearly pure noise, as z ~ N(0, I) asks for;
            `leading` and `linspace` are for comparison with other programs.

    Raises:
        RequestError: more steps than were trained.
    """
    if steps > trained:
        raise RequestError(f"steps={steps}; the prior has no more than {trained}. Give fewer.")
    if spacing == "trailing":
        return [round(trained * (steps - i) / steps) - 1 for i in range(steps)]
    if spacing == "leading":  # one added to each, as Stable Diffusion's schedulers do
        return [min(trained // steps * i + 1, trained - 1) for i in reversed(range(steps))]
    return [round((trained - 1) * (1 - i / max(steps - 1, 1))) for i in range(steps)]


def reverse(
    z: Latents,
    eps: Noise,
    abar: Float[Tensor, " T"],
    steps: int,
    spacing: Spacing = "trailing",
    checkpoint: bool = False,
) -> Latents:
    """R = g_0 ∘ g_1 ∘ … ∘ g_{T-1} (eq 6), from seed to latent. Differentiable; R of no steps is the identity.

    Args:
        abar: alpha-bar of every trained step.
        checkpoint: keep only each step's input and compute the rest again on the way back (Section 3.3).
    """
    visited = timesteps(steps, len(abar), spacing)
    for t, t_next in zip(visited, [*visited, None][1:], strict=True):
        a_next = abar[t_next] if t_next is not None else torch.ones_like(abar[0])
        if checkpoint and torch.is_grad_enabled():
            z = recompute(_step, z, eps, t, abar[t], a_next, use_reentrant=False)  # type: ignore[assignment]
        else:
            z = _step(z, eps, t, abar[t], a_next)
    return z


def _step(z: Latents, eps: Noise, t: int, a: Tensor, a_next: Tensor) -> Latents:
    s = eps(z, t)  # Algorithm 1, line 4
    z0 = (z - (1 - a).sqrt() * s) / a.sqrt()  # line 5
    return a_next.sqrt() * z0 + (1 - a_next).sqrt() * s  # line 6, eq 3


@torch.no_grad()
def invert(
    latent: Latents, eps: Noise, abar: Float[Tensor, " T"], steps: int, spacing: Spacing = "trailing", rounds: int = 5
) -> Latents:
    """A seed that R takes near `latent`: each step of R undone by a fixed-point iteration, last step first.

    With few steps the inverse is approximate; it is a start for the optimisation, not its end.
    """
    visited = timesteps(steps, len(abar), spacing)
    z = latent
    for t, t_next in reversed(list(zip(visited, [*visited, None][1:], strict=True))):
        a, a_next = abar[t], abar[t_next] if t_next is not None else torch.ones_like(abar[0])
        target = z
        for _ in range(rounds):  # eq 3 solved for z_t, with s at the last guess
            s = eps(z, t)
            z0 = (target - (1 - a_next).sqrt() * s) / a_next.sqrt()
            z = a.sqrt() * z0 + (1 - a).sqrt() * s
    return z
