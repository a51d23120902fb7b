"""Every number that a restoration depends on: its unit, its source, and presets that say what they were measured to give."""

import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from oneseed.ddim import Spacing
from oneseed.errors import RequestError
from oneseed.fields import convert, require_choice
from oneseed.prior.base import Joint, Prior
from oneseed.registry import did_you_mean
from oneseed.sampling import Kernel

Start = Literal["noise", "least-squares"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of one run.

    "Open" marks what the paper has but gives no value for, "ours" what it does not have.

    Raises:
        RequestError: a value out of range, or a field that could not act beside the others.
    """

    # The chain
    steps: int | None = None
    """T, steps of the reverse process; 4 is best in Table 1. 0 leaves R out: z_shared is then the latent itself, and the
    joints `seed` and `latent` are one. None: as many as the prior is best with, `Prior.steps`."""
    spacing: Spacing = "trailing"
    """Which trained steps R visits. Open; `trailing` alone starts where N(0, I) is the seed's law."""
    joint: Joint = "feature"
    """Where residuals enter: `seed` is eq 7, `latent` eq 11, `feature` eq 12."""
    rank: int = 16
    """k in Section 3.3. Open."""
    radius: float = 1.0
    """C in Section 3.3; 1.0 is best in Table 8."""
    follow_motion: bool = True
    """Ours: the shared features move with the flow from a key frame. Needs joint `feature` and start `least-squares`."""

    # Algorithm 1
    epochs: int = 40
    """E. 0 leaves the chain out: after the start comes the end."""
    warm_share: float = 0.5
    """Ours: share of the epochs, and of those before the warping loss, in a window that begins with what the one before has
    learnt."""
    lr_seed: float = 0.01
    """Adam's step for z_shared. Open; 0.01 is the value of the method's ancestor for images."""
    lr_residual: float = 0.003
    """Adam's step for A and B. The paper's best is 0.001 (Table 8)."""
    warp_weight: float = 0.3
    """Weight of L_warp beside the data term, both means over values in [0, 1]. Open. 0 leaves warping out."""
    warp_from: int = 0
    """E_T: the first epoch with the warping loss. Open."""
    warp_reach: int = 1
    """Ours: each frame is compared with this many successors; eq 9 has 1."""
    flow_every: int = 50
    """P in Section 3.2: epochs between flow estimates. Open."""
    flow_ema: float = 0.8
    """beta in eq 10, in [0, 1). Open."""

    # Ours: the start by motion-compensated least squares, and from there to the chain
    start: Start = "least-squares"
    """`noise` is the paper's; so begins, too, what has a degradation that is not linear."""
    gradient_sd: float = 0.2
    """σ_g: usual difference between neighbouring pixels."""
    motion_sd: float = 0.03
    """σ_m: usual difference between a frame and its neighbour moved onto it."""
    noise_floor: float = 0.0011
    """The least noise that is believed, on the [0, 1] scale: the rounding error of 8 bits."""
    first_steps: int = 60
    """Conjugate-gradient steps of the first solve, which knows no motion."""
    rounds: int = 3
    """Times that motion is estimated and the solve repeated; 0 leaves motion out."""
    round_steps: int = 15
    """Conjugate-gradient steps of each such solve."""
    reach: int = 2
    """Successors that each frame is compared with in the solves."""
    interpolation: Kernel = "cubic"
    """How the solves read a moved frame between its pixels: `linear` is fast, and blurs."""
    fit_epochs: int = 25
    """Epochs in which the chain only learns to reproduce the start, before Algorithm 1 begins."""
    lr_fit: float = 0.02
    """Adam's step for A and B in them."""

    # Ours: the end
    hold_out: float = 0.02
    """Share of the measurements that the chain does not see. The video that predicts them best is kept,
    the start if it does."""
    patience: int = 12
    """Epochs without a better prediction of them after which the search ends; and after as many it ends when a tenth of the
    epochs betters it by less than 0.05 dB. 0 runs all epochs."""
    finish_rounds: int = 6
    """Times that motion, confidence and edges are estimated anew and the last solve is made; 0 leaves it out."""
    finish_steps: int = 15
    """Conjugate-gradient steps of each such solve."""
    finish_gradient_sd: float = 0.11
    """σ_g in it, where the video is flat."""
    finish_contrast: float = 0.0075
    """κ: differences between neighbouring pixels beyond this are edges, and are smoothed less."""
    finish_colour: float = 3.0
    """γ: differences of colour are expected to be this many times smaller than those of brightness."""
    finish_motion_sd: float = 0.06
    """σ_m in it; motion is then looked at both ways in time."""
    finish_spread: float = 2.0
    """σ_g and σ_m in it are also tried this many times larger and smaller: the measurements held out choose. 1 tries
    nothing."""
    near_sd: float = 1.0
    """σ_v: usual error of the chain's video."""
    denoise_rounds: int = 5
    """Times that the video is denoised and brought back onto measurements and motion after that; 0 leaves it out."""
    denoise_from: float = 0.1
    """Standard deviation that the denoiser is told of in the first round, on the [0, 1] scale."""
    denoise_to: float = 0.02
    """And in the last."""
    denoise_doubt: float = 6.0
    """What was denoised is expected to be wrong by this many times that, where motion ties a frame to another."""
    denoise_doubt_alone: float = 1.5
    """And where no other frame shows the same."""
    denoise_motion_from: float = 0.09
    """σ_m there, in the first round: the better the video, the better its motion is known."""
    denoise_motion_to: float = 0.035
    """And in the last."""
    denoise_exact_contrast: float = 0.02
    """κ: where nothing but rounding is noise and A mixes pixels, what motion leaves unexplained there costs its square only
    up to this, and beyond it its size. 0: by confidence alone, as in the finish."""
    denoise_spread: float = 2.0
    """This σ_m is also tried so many times larger and smaller, until the measurements held out no longer ask for it. 1
    tries nothing."""
    exact_steps: int = 100
    """Conjugate-gradient steps after it, on the measurements alone, as long as they are not met to within their noise."""
    seed: int = 0
    """Draws z_shared, A and what is held out, and nothing else."""

    def __post_init__(self) -> None:
        for name, kind in typing.get_type_hints(Recipe).items():
            require_choice(name, getattr(self, name), kind)
        for name, low in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and not value >= low:
                raise RequestError(f"{name}={value}; needed is at least {low}. Give {name}={low}, say.")
        for name in _POSITIVE:
            value = getattr(self, name)
            if not value > 0:
                raise RequestError(f"{name}={value}; needed is a positive number. Change it.")
        for name in ("lr_seed", "lr_residual", "lr_fit", "warp_weight", "noise_floor", "denoise_exact_contrast"):
            value = getattr(self, name)
            if value == math.inf:
                raise RequestError(f"{name}={value}; needed is a finite number. Change it.")
        if not self.warm_share <= 1:
            raise RequestError(f"warm_share={self.warm_share}; needed is a share, up to 1. Give warm_share=0.5, say.")
        for name in ("flow_ema", "hold_out"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise RequestError(f"{name}={value}; needed is a number in [0, 1). Change it.")
        if self.epochs and self.warp_weight and self.warp_from >= self.epochs:
            raise RequestError(
                f"warp_from={self.warp_from} with epochs={self.epochs}: the warping loss would never act. "
                "Lower warp_from, or say warp_weight=0."
            )
        if self.patience and not self.hold_out:
            raise RequestError(f"patience={self.patience} needs measurements held out. Set hold_out, or patience=0.")
        if self.follow_motion and (self.joint != "feature" or self.start != "least-squares"):
            raise RequestError(
                f"follow_motion needs joint=feature and start=least-squares, found joint={self.joint} and "
                f"start={self.start}. Add follow_motion=false."
            )
        for name in ("denoise", "denoise_motion"):
            first, last = getattr(self, f"{name}_from"), getattr(self, f"{name}_to")
            if not last <= first < math.inf:
                raise RequestError(
                    f"{name}_from={first}, {name}_to={last}; needed is that it does not grow. Exchange them."
                )
        if not self.epochs and self.start == "noise":
            raise RequestError("epochs=0 with start=noise would restore nothing. Give epochs, or start=least-squares.")

    @property
    def denoises(self) -> bool:
        """Whether a run needs a denoiser."""
        return self.denoise_rounds > 0

    def warm(self) -> "Recipe":
        """Of a window that begins with what the one before has learnt."""
        share = self.warm_share
        epochs, warp_from, patience = (round(share * count) for count in (self.epochs, self.warp_from, self.patience))
        epochs = max(epochs, 1)
        return dataclasses.replace(self, epochs=epochs, warp_from=min(warp_from, epochs - 1), patience=patience)

    def from_noise(self, linear: bool) -> bool:
        """Whether a search begins at noise, of a degradation that is `linear` or not."""
        return self.epochs > 0 and not self.from_start(linear)

    def from_start(self, linear: bool) -> bool:
        """Whether a run begins with least squares, of a degradation that is `linear` or not."""
        return self.start == "least-squares" and linear

    def exact(self, noise: float) -> bool:
        """Whether measurements with so much noise carry nothing but rounding."""
        return noise**2 <= 2 * self.noise_floor**2

    def settled(self, prior: Prior | None, started: bool) -> "Recipe":
        """With what it leaves to the prior filled in.

        Args:
            started: whether the search begins at a start and not at noise.
        """
        return (
            self if self.steps is not None or prior is None else dataclasses.replace(self, steps=prior.steps(started))
        )

    def noise(self, sigma: float) -> float:
        """s: the measurements' noise, never below the floor."""
        return math.hypot(sigma, self.noise_floor)

    def but(self, changes: Mapping[str, Any]) -> "Recipe":
        """This recipe with some fields changed; values may be text, as on the command line.

        Raises:
            RequestError: no such field, or a value of another kind.
        """
        fields = typing.get_type_hints(Recipe)
        for name in changes:
            if name not in fields:
                raise RequestError(
                    f"the recipe has no field {name!r}.{did_you_mean(name, fields)} Fields: {', '.join(fields)}."
                )
        return dataclasses.replace(
            self, **{name: convert(name, value, fields[name]) for name, value in changes.items()}
        )


_AT_LEAST = {
    "steps": 0, "rank": 1, "epochs": 0, "warp_weight": 0, "warp_from": 0, "warp_reach": 1, "flow_every": 1,
    "first_steps": 1, "rounds": 0, "round_steps": 1, "reach": 1, "fit_epochs": 0, "patience": 0, "finish_rounds": 0,
    "finish_steps": 1, "denoise_rounds": 0, "denoise_exact_contrast": 0,
    "exact_steps": 0, "seed": 0,
}  # fmt: skip


_POSITIVE = (
    "radius", "warm_share", "lr_seed", "lr_residual", "lr_fit", "gradient_sd", "motion_sd", "noise_floor", "finish_gradient_sd",
    "finish_contrast", "finish_colour", "finish_motion_sd", "finish_spread", "near_sd", "denoise_from", "denoise_to",
    "denoise_doubt", "denoise_doubt_alone", "denoise_motion_from", "denoise_motion_to", "denoise_spread",
)  # fmt: skip
