"""A: what happened to the clean video. One file per degradation, whose class is offered here when it is asked for."""

from typing import Any

from oneseed import registry


def __getattr__(name: str) -> Any:
    """`MotionBlur`, say, out of `motion_blur.py`."""
    choices = _choices()
    if name not in choices:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return registry.find("degrade", choices[name])


def __dir__() -> list[str]:
    return sorted(_choices())


def _choices() -> dict[str, str]:
    """Names on the command line by the names of their classes."""
    return {name.title().replace("-", ""): name for name in registry.choices("degrade")}
