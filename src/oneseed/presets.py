"""Recipes by name, with what they were measured to give."""

from oneseed.errors import RequestError
from oneseed.recipe import Recipe
from oneseed.registry import did_you_mean

# PSNR (dB) on mask / downsample / motion blur / temporal blur / both, the blurs with noise 0.02: `make bench`.
PRESETS: dict[str, Recipe] = {
    "draft": Recipe(
        epochs=0, hold_out=0.0, patience=0, finish_rounds=0, denoise_rounds=0, exact_steps=0
    ),  # 31.93 / 25.50 / 25.20 / 29.62 / 22.96
    "balanced": Recipe(),  # 34.60 / 26.45 / 27.91 / 33.06 / 24.92
    "best": Recipe(denoise_rounds=12),  # 34.79 / 26.48 / 28.19 / 32.86 / 25.07
    "paper": Recipe(  # with `tiny`, one clip: 21.58 / 19.11
        steps=4,
        start="noise",
        follow_motion=False,
        rank=4,
        epochs=1000,
        lr_residual=0.001,
        warp_weight=0.1,
        warp_from=500,
        hold_out=0.0,
        patience=0,
        finish_rounds=0,
        denoise_rounds=0,
        exact_steps=0,
    ),
}


def preset(name: str) -> Recipe:
    """A recipe by its name.

    Raises:
        RequestError: no such preset.
    """
    if name not in PRESETS:
        raise RequestError(f"no preset called {name!r}.{did_you_mean(name, PRESETS)} On offer: {', '.join(PRESETS)}.")
    return PRESETS[name]
