"""A room is a folder; a file in it is a choice; the file's `__all__` names the one thing it offers.

On the command line words are joined by `-`, in Python by `_`: `motion-blur` lies in `motion_blur.py`.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

from oneseed.errors import RequestError

ROOMS = ("degrade", "prior", "denoise", "flow", "metrics")


def choices(room: str) -> list[str]:
    """Names on offer in a room, read from its folder without importing what is inside."""
    if room not in ROOMS:
        raise RequestError(f"no room called {room!r}.{did_you_mean(room, ROOMS)} Rooms: {', '.join(ROOMS)}.")
    package = importlib.import_module(f"oneseed.{room}")
    files = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name.replace("_", "-") for name in files if name != "base" and not name.startswith("_"))


def find(room: str, name: str) -> Any:
    """The class or function that `name` offers.

    Raises:
        RequestError: no such room or no such name; the message names the nearest right one.
    """
    names = choices(room)
    if name.replace("_", "-") not in names:
        raise RequestError(f"no {room} called {name!r}.{did_you_mean(name, names)} On offer: {', '.join(names)}.")
    module = importlib.import_module(f"oneseed.{room}.{name.replace('-', '_')}")
    (offered,) = module.__all__
    return getattr(module, offered)


def summary(room: str, name: str) -> str:
    """The first line of the docstring of the file that holds `name`."""
    return (importlib.import_module(find(room, name).__module__).__doc__ or "").strip().splitlines()[0]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """ " Did you mean 'x'?" for the nearest of `names`, or nothing if none is near: to follow a full stop."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
