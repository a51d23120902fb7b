"""Everything that is compared: the rivals of `rivals/`, and ours by preset, perhaps with changes: `balanced:warp_weight=0`."""

import importlib
import pkgutil
from collections.abc import Callable

from bench import rivals
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
    base, _, changes = name.partition(":")
    if base in RIVALS:
        return importlib.import_module(f"bench.rivals.{base}").restore
    if base not in PRESETS:
        raise ValueError(f"no method {base!r}; there are {', '.join([*RIVALS, *PRESETS])}")
    recipe = preset(base).but(dict(change.split("=", 1) for change in changes.split(",")) if changes else {})

    def ours(given: Measurement) -> Frames:
        from oneseed.prior.tiny import Tiny

        prior = Tiny() if recipe.epochs else None
        return restore(given.y, given.degrade, prior, Dis(), recipe, given.noise)

    return ours


def is_oracle(name: str) -> bool:
    """Whether it chooses by the ground truth."""
    return name in RIVALS and importlib.import_module(f"bench.rivals.{name}").ORACLE
