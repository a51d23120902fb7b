"""The figures of a command as one JSON object in a file."""

import json
import math
from pathlib import Path
from typing import Any

from oneseed.disk import put
from oneseed.errors import RequestError


def check_json(path: Path | None, overwrite: bool) -> None:
    if path is None:
        return
    if path.exists() and not overwrite:
        raise RequestError(f"{path} exists; needed is a new name. Add --overwrite to replace it.")
    if not path.absolute().parent.is_dir():
        raise RequestError(f"{path.parent} is no folder; needed is one to write {path.name} into. Make it first.")


def write_json(path: Path | None, content: dict[str, Any]) -> None:
    if path is None:
        return
    put(path, (json.dumps(_finite(content), indent=2, allow_nan=False) + "\n").encode())


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: null stands for both."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
