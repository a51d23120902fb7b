"""Everything that is compared, by name.

A file of `rivals/`, perhaps `@truth`; or ours: a preset or the chain alone, perhaps with changes or another prior:
`balanced:warp_weight=0`, `chain@random`.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from bench import chain, rivals
from bench.rivals.base import WITHOUT_LEARNING, Restored, Rival
from bench.tasks import Measurement
from oneseed.flow.dis import Dis
from oneseed.load import load_denoiser, load_prior
from oneseed.presets import PRESETS, preset
from oneseed.recipe import Recipe
from oneseed.restore import Epoch, optimise
from oneseed.shapes import Frames

RIVALS = sorted(module.name for module in pkgutil.iter_modules(rivals.__path__) if module.name != "base")
OURS = "ours"  # the family


@dataclass(frozen=True)
class Method:
    """One row of the tables."""

    name: str
    family: str
    """A rival's `Family`, or `OURS`."""
    run: Callable[[Measurement, Frames], Restored | None]
    """The second argument is the reference, which only what is chosen by the truth looks at."""
    by_truth: bool = False
    recipe: Recipe | None = None
    """Every number of ours."""

    @property
    def learned(self) -> bool:
        return self.family not in WITHOUT_LEARNING


def find(name: str) -> Method:
    """The method called `name`.

    Raises:
        ValueError: no such method.
        RequestError: a change that the recipe does not take.
    """
    rest, _, which = name.partition("@")
    base, _, changes = rest.partition(":")
    if base in RIVALS:
        return _rival(name, base, which, changes)
    recipes = {**PRESETS, **chain.RECIPES}
    if base not in recipes:
        raise ValueError(f"no method {base!r}; there are {', '.join([*RIVALS, *recipes])}")
    if which and (base not in chain.RECIPES or which not in chain.PRIORS):
        raise ValueError(
            f"no method {name!r}; after @ comes {', '.join(chain.PRIORS)}, before it {', '.join(chain.RECIPES)}"
        )
    start = chain.RECIPES[base] if base in chain.RECIPES else preset(base)
    recipe = start.but(dict(change.split("=", 1) for change in changes.split(",")) if changes else {})
    return Method(name, OURS, lambda given, _: _ours(given, recipe, which), recipe=recipe)


def _rival(name: str, base: str, which: str, changes: str) -> Method:
    module = importlib.import_module(f"bench.rivals.{base}")
    assert isinstance(module, Rival)
    truth = getattr(module, "by_truth", None)
    if changes or (which and (which != "truth" or truth is None)):
        known = ", ".join([base, f"{base}@truth"] if truth else [base])
        raise ValueError(f"no method {name!r}; there is {known}")
    if which:
        return Method(name, module.FAMILY, truth, by_truth=True)  # type: ignore[arg-type]
    return Method(name, module.FAMILY, lambda given, _: module.restore(given))


def _ours(given: Measurement, recipe: Recipe, which: str) -> Restored:
    place = given.y.device
    prior = None
    if recipe.epochs:
        prior = chain.prior(which).to(place) if which else load_prior(given.prior, place)
    denoiser = load_denoiser(None, given.prior, place) if recipe.denoises else None
    last: Epoch | None = None
    for last in optimise(given.y, given.degrade, prior, Dis(), recipe, given.noise, denoiser=denoiser):  # noqa: B007
        pass
    assert last is not None
    return Restored(last.x, last.number)


def everything() -> list[str]:
    """All rivals, with what the truth chooses beside each, and the presets."""
    names = []
    for name in RIVALS:
        names.append(name)
        if hasattr(importlib.import_module(f"bench.rivals.{name}"), "by_truth"):
            names.append(f"{name}@truth")
    return [*names, *PRESETS]
