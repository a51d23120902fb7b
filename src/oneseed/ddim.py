"""R: the deterministic reverse process (DDIM, Song et al. 2021, eq 12 with sigma = 0; the paper's eqs 3 and 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint as recompute

from oneseed.errors import RequestError

Network = Callable[[Tensor, int], Tensor]  # what the network says of z_t at t
Spacing = Literal["trailing", "leading", "linspace"]
Prediction = Literal["epsilon", "v_prediction", "sample"]
Latents = Float[Tensor, "N c h w"]


@dataclass(frozen=True)
class Schedule:
    """How a network was trained to see noise: z_t = √ᾱ_t z_0 + √(1 − ᾱ_t) s."""

    abar: tuple[float, ...]
    """Alpha-bar of every trained step."""
    final: float = 1.0
    """Alpha-bar where R ends; some checkpoints end a little before 1."""
    prediction: Prediction = "epsilon"
    """What the network predicts: s, or √ᾱ s − √(1 − ᾱ) z_0 (Salimans and Ho 2022), or z_0."""
    grid: int = 1
    """Only every so many steps were trained, the last one among them (latent consistency models)."""

    def visited(self, steps: int, spacing: Spacing) -> list[int]:
        """`timesteps`, each moved to the nearest that was trained."""
        trained = len(self.abar)
        found = timesteps(steps, trained, spacing)
        return [min(trained, max(1, (t + 1 + self.grid // 2) // self.grid) * self.grid) - 1 for t in found]


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
    network: Network,
    schedule: Schedule,
    steps: int,
    spacing: Spacing = "trailing",
    checkpoint: bool = False,
) -> Latents:
    """R = g_0 ∘ g_1 ∘ … ∘ g_{T-1} (eq 6), from seed to latent. Differentiable; R of no steps is the identity.

    Args:
        checkpoint: keep only each step's input and compute the rest again on the way back (Section 3.3).
    """
    for t, a, a_next in _leaps(schedule, steps, spacing):
        if checkpoint and torch.is_grad_enabled():
            z = recompute(_step, z, network, schedule.prediction, t, a, a_next, use_reentrant=False)  # type: ignore[assignment]
        else:
            z = _step(z, network, schedule.prediction, t, a, a_next)
    return z


def _leaps(schedule: Schedule, steps: int, spacing: Spacing) -> list[tuple[int, float, float]]:
    """(t, alpha-bar there, alpha-bar at the next step) for every step of R."""
    visited = schedule.visited(steps, spacing)
    abar = [schedule.abar[t] for t in visited] + [schedule.final]
    return list(zip(visited, abar[:-1], abar[1:], strict=True))


def _step(z: Latents, network: Network, prediction: Prediction, t: int, a: float, a_next: float) -> Latents:
    z0, s = _parts(z, network(z, t), prediction, a)  # Algorithm 1, lines 4 and 5
    return a_next**0.5 * z0 + (1 - a_next) ** 0.5 * s  # line 6, eq 3


def _parts(z: Latents, said: Tensor, prediction: Prediction, a: float) -> tuple[Latents, Latents]:
    """The picture and the noise in z_t, whichever of them, or mixture, the network predicts."""
    signal, noise = a**0.5, (1 - a) ** 0.5
    if prediction == "epsilon":
        return (z - noise * said) / signal, said
    if prediction == "v_prediction":
        return signal * z - noise * said, signal * said + noise * z
    return said, (z - signal * said) / noise


@torch.no_grad()
def invert(
    latent: Latents,
    network: Network,
    schedule: Schedule,
    steps: int,
    spacing: Spacing = "trailing",
    rounds: int = 5,
) -> Latents:
    """A seed that R takes near `latent`: each step of R undone by a fixed-point iteration, last step first.

    With few steps the inverse is approximate; it is a start for the optimisation, not its end.
    """
    z = latent
    for t, a, a_next in reversed(_leaps(schedule, steps, spacing)):
        target = z
        for _ in range(rounds):  # eq 3 solved for z_t, with s at the last guess
            _, s = _parts(z, network(z, t), schedule.prediction, a)
            z0 = (target - (1 - a_next) ** 0.5 * s) / a_next**0.5
            z = a**0.5 * z0 + (1 - a) ** 0.5 * s
    return z
