"""Degradations in words: `NAME[:key=value,...]`, to an object and back.

Which keys there are, and what they hold, is read from the constructor: a new degradation is spoken at once.
"""

import inspect
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from torch import Tensor

from oneseed import registry
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError

_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word", Path: "a path"}
_NEXT = re.compile(r",(?=\s*[A-Za-z_][\w-]*\s*=)")  # a comma before `key=`; any other belongs to the value


def parse(spec: str, arrays: Mapping[str, Tensor] | None = None) -> Degradation:
    """The degradation that `spec` describes: `mask:missing=0.5,seed=0`.

    Args:
        arrays: constructor's arguments that words cannot hold. They go before what `spec` says of the same name.

    Raises:
        RequestError: no such name or key, a value that does not fit, a key said twice or not at all.
    """
    arrays = arrays or {}
    name, offered, pairs = _split(spec)
    values: dict[str, Any] = {}
    for key, text in pairs.items():
        if key not in offered:
            hint = registry.did_you_mean(key, offered)
            on_offer = ", ".join(key for key in offered if _kinds(offered[key]))
            raise RequestError(f"{name} has no {key!r}; it needs one of: {on_offer or 'nothing at all'}.{hint}")
        if key not in arrays:
            values[key] = _value(f"{name}:{key}", text, offered[key])
    for key, parameter in offered.items():
        if parameter.default is parameter.empty and key not in {**values, **arrays}:
            raise RequestError(f"{spec!r} leaves out {key}, which {name} needs. Write {name}:{key}=...")
    degradation: Degradation = registry.find("degrade", name)(**values, **arrays)
    if arrays:
        paths = {key: str(value) for key, value in values.items() if isinstance(value, Path)}
        degradation.arguments = {**pairs, **values, **paths}  # what was drawn or read, and not merely "given"
    return degradation


def parse_all(specs: Sequence[str]) -> Degradation:
    """The degradations one after the other, the first one nearest to the clean video.

    Raises:
        RequestError: there are none, or one cannot be parsed.
    """
    if not specs:
        names = ", ".join(registry.choices("degrade"))
        raise RequestError(f"no degradation is given; at least one is needed. Add -d NAME, a NAME of: {names}.")
    return reduce(lambda first, second: first.then(second), [parse(spec) for spec in specs])


def format(degradation: Degradation) -> list[str]:
    """The words for each part of a degradation, in the order in which they act.

    Raises:
        RequestError: a part has no name, for it does not lie in the room, or no words, for a value would be misread.
    """
    return [_words(part) for part in degradation.parts()]


def _words(part: Degradation) -> str:
    kind = type(part)
    name = kind.__module__.rpartition(".")[2].replace("_", "-")
    if name not in registry.choices("degrade") or registry.find("degrade", name) is not kind:
        mend = "Put it in a file of its own in the folder degrade."
        raise RequestError(f"{kind.__name__} has no name; a degradation needs one to be written down. {mend}")
    said = {key: _said(value) for key, value in part.arguments.items() if value is not None}
    words = name + ":" * bool(said) + ",".join(f"{key}={text}" for key, text in said.items())
    if _split(words)[2] != said:
        raise RequestError(f"{words!r} would be misread; a value must hold no ',key='. Rename the file.")
    return words


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _split(spec: str) -> tuple[str, dict[str, inspect.Parameter], dict[str, str]]:
    """Name, what its constructor takes, and what was written for it."""
    name, colon, rest = spec.strip().partition(":")
    name = name.strip().replace("_", "-")
    offered = dict(inspect.signature(registry.find("degrade", name), eval_str=True).parameters)
    pairs: dict[str, str] = {}
    for pair in _NEXT.split(rest) if colon else []:
        key, equals, text = (piece.strip() for piece in pair.partition("="))
        key = key.replace("-", "_")
        if not (key and equals and text):
            example = ",".join(
                f"{key}={_said(p.default)}" for key, p in offered.items() if p.default not in (p.empty, None)
            )
            raise RequestError(f"{spec!r} holds {pair!r}; key=value is needed there. Write {name}:{example}, say.")
        if key in pairs:
            raise RequestError(f"{spec!r} says {key} twice; once is needed. Leave one of them out.")
        pairs[key] = text
    return name, offered, pairs


def _value(where: str, text: str, parameter: inspect.Parameter) -> Any:
    kinds = _kinds(parameter)
    if not kinds:
        raise RequestError(f"{where}={text}; words cannot hold it, it needs an array. Give it in Python.")
    for kind in kinds:
        try:
            return _read(kind, text)
        except (ValueError, KeyError, RuntimeError):  # in turn: numbers, booleans, ~nobody
            continue
    needed = " or ".join(_KINDS.get(kind, str(kind)) for kind in kinds)
    default = parameter.default
    mend = "Mend it." if default in (parameter.empty, None) else f"Give {parameter.name}={_said(default)}, say."
    raise RequestError(f"{where}={text}; {needed} is needed. {mend}")


def _read(kind: Any, text: str) -> Any:
    """The value that `text` writes. `kind` is a type of _KINDS or one value of a Literal."""
    if kind is bool:
        return {"true": True, "false": False}[text.lower()]
    if kind is Path:
        return Path(text).expanduser()
    value = kind(text) if kind in _KINDS else kind
    if (kind is float and not math.isfinite(value)) or (kind not in _KINDS and _said(kind) != text):
        raise ValueError(text)
    return value


def _kinds(parameter: inspect.Parameter) -> list[Any]:
    """The types of _KINDS and the Literal values that an argument takes; none if words cannot hold it."""

    def spread(annotation: Any) -> list[Any]:
        origin = typing.get_origin(annotation)
        if origin in (typing.Union, types.UnionType):
            return [kind for member in typing.get_args(annotation) for kind in spread(member)]
        return list(typing.get_args(annotation)) if origin is typing.Literal else [annotation]

    kinds = spread(parameter.annotation)
    return [kind for kind in kinds if kind in _KINDS or isinstance(kind, str | int)]
