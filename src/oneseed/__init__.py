"""oneseed: restore degraded video without training, with one shared seed of a latent diffusion model."""

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "read": "clip.read",
    "write": "clip.write",
    "Clip": "clip.clip",
    "degrade": "degrade",
    "restore": "restore",
    "optimise": "restore",
    "Epoch": "restore",
    "Recipe": "recipe",
    "preset": "presets",
    "load_prior": "load",
    "load_denoiser": "load",
    "score": "score",
    "parse": "spec",
    "RequestError": "errors",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Public names are loaded when they are first asked for: importing the package costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'oneseed' has no attribute {name!r}")
    module = importlib.import_module(f"oneseed.{_HOMES[name]}")
    return module if _HOMES[name] == name == "degrade" else getattr(module, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]


class _Package(ModuleType):
    """Keeps `oneseed.restore` the function: importing a submodule would put the module of that name in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in ("restore", "score")):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
