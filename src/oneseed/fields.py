"""Values of named fields, as they come from a command line: text, or already what they should be."""

import typing
from typing import Any, Literal

from oneseed.errors import RequestError


def require_choice(name: str, value: Any, kind: Any) -> None:
    """Refuse a word that a field of words does not know; fields of other kinds pass.

    Raises:
        RequestError: such a word.
    """
    if typing.get_origin(kind) is Literal and value not in typing.get_args(kind):
        raise RequestError(f"{name}={value}; needed is one of {', '.join(typing.get_args(kind))}. Choose one.")


def convert(name: str, value: Any, kind: Any) -> Any:
    """Text to the field's own kind; other values must be of it already.

    Raises:
        RequestError: a value of another kind.
    """
    if typing.get_origin(kind) is Literal:
        require_choice(name, value, kind)
        return value
    if kind == (int | None):
        return None if str(value).lower() == "none" else convert(name, value, int)
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        if kind is bool:
            return value if isinstance(value, bool) else words[str(value).lower()]
        if kind is int and isinstance(value, float) and not value.is_integer():
            raise ValueError(value)
        number = kind(value)
    except (ValueError, KeyError, TypeError) as error:
        needed = {int: "a whole number", float: "a number", bool: "true or false"}[kind]
        raise RequestError(f"{name}={value}; needed is {needed}. Change it.") from error
    return number
