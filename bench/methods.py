"""Everything that is compared: the rivals of `rivals/`, and ours by preset or the chain alone, perhaps with changes or
another prior: `balanced:warp_weight=0`, `chain@random`."""

import importlib
import pkgutil
from collections.abc import Callable

from bench import chain, rivals
from bench.tasks import Measurement
from oneseed.flow.dis import Dis
from oneseed.presets import PRESETS, preset
from oneseed.restore import restore
from oneseed.shapes import Frames

Method = Callable[[Measurement], Frames | None]
RIVALS = sorted(module.name for module in pkgutil.iter_modules(rivals.__path__))


def method(name: str) -> Method:
    """The method called `name`. It returns None for a task that it does not know.

    Raises:
        ValueError: no such method.
    """
    rest, _, which = name.partition("@")
    base, _, changes = rest.partition(":")
    if which and (base not in chain.RECIPES or which not in chain.PRIORS):
        raise ValueError(
            f"no method {name!r}; after @ comes {', '.join(chain.PRIORS)}, before it {', '.join(chain.RECIPES)}"
        )
    if base in RIVALS:
        return importlib.import_module(f"bench.rivals.{base}").restore
    if base not in PRESETS and base not in chain.RECIPES:
        raise ValueError(f"no method {base!r}; there are {', '.join([*RIVALS, *PRESETS, *chain.RECIPES])}")
    changed = dict(change.split("=", 1) for change in changes.split(",")) if changes else {}
    recipe = (chain.RECIPES[base] if base in chain.RECIPES else preset(base)).but(changed)

    def ours(given: Measurement) -> Frames:
        prior = chain.prior(which or "tiny") if recipe.epochs else None
        return restore(given.y, given.degrade, prior, Dis(), recipe, given.noise)

    return ours


def is_oracle(name: str) -> bool:
    """Whether it chooses by the ground truth."""
    return name in RIVALS and importlib.import_module(f"bench.rivals.{name}").ORACLE
