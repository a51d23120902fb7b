"""The description that goes with degraded frames: enough to build the very operator that made them.

`degradation.json` in a folder of frames, `OUTPUT.degradation.json` beside a file. What was drawn or read is kept, not
only its seed: numbers in the JSON, masks as images in a folder of the same name, fit to be given back as `mask:path=`.
"""

import json
import os
import re
from fractions import Fraction
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from oneseed import spec
from oneseed._sidecar_arrays import from_numbers, images, to_numbers
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError
from oneseed.noise import require_noise

FORMAT = 1

_IMAGE = re.compile(r"\d+-[a-z][a-z0-9-]*-\w+(/\d{5})?\.png")


class Description(NamedTuple):
    """What a sidecar tells."""

    degradation: Degradation
    noise: float
    """Standard deviation of the noise that was added, on the [0, 1] scale."""
    rate: Fraction | None
    """Frames per second; None where the sidecar does not say."""


def write_sidecar(
    output: Path, degradation: Degradation, noise: float, seed: int, rate: Fraction | None = None
) -> None:
    """Describe how `output` was made, after `degradation` was applied. All files are written or none.

    Args:
        output: the file, or the folder of frames, that is described.
        noise: standard deviation of the noise that was added, on the [0, 1] scale.
        seed: what it was drawn from.
        rate: frames per second, which a folder of images cannot say itself.

    Raises:
        RequestError: the noise is not in [0, 1], or a part has no name (see `spec.format`).
    """
    require_noise(noise)
    description = _place(output)
    files: dict[Path, bytes] = {}
    parts = []
    for number, (part, words) in enumerate(zip(degradation.parts(), spec.format(degradation), strict=True), 1):
        arrays = part.arrays()
        for key, array in arrays.items():
            files |= images(_stem(description, number, words, key), array)
        parts.append({"spec": words, "arrays": {key: to_numbers(array) for key, array in arrays.items()}})
    told = {} if rate is None else {"rate": str(rate)}
    content = {"format": FORMAT, "noise": noise, "seed": seed, **told, "degradation": parts}
    files[description] = (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()
    stale = [file for file in sidecar_files(output) if file not in files]
    _write(files)
    for file in stale:
        file.unlink()


def read_sidecar(source: Path) -> Description | None:
    """How `source` was made; None where there is no description.

    Raises:
        RequestError: the description is damaged or of another format, or its images are not those that were written.
    """
    description = _place(source)
    if not description.is_file():
        return None
    try:
        content = json.loads(description.read_bytes())
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        parts: list[Degradation] = []
        for number, part in enumerate(content["degradation"], 1):
            words: str = part["spec"]
            stems = {key: _stem(description, number, words, key) for key in part["arrays"]}
            arrays = {key: from_numbers(numbers, stems[key]) for key, numbers in part["arrays"].items()}
            parts.append(spec.parse(words, arrays))
        require_noise(content["noise"])
        rate = Fraction(content["rate"]) if "rate" in content else None
        if rate is not None and rate <= 0:
            raise ValueError(f"rate {rate}")
        degradation = reduce(lambda first, second: first.then(second), parts)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, OSError, RuntimeError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        found = f"{description} cannot be used ({why})"
        mend = "Describe the damage with -d, or run `oneseed degrade` again."
        raise RequestError(f"{found}; a whole description of format {FORMAT} is needed. {mend}") from error
    return Description(degradation, float(content["noise"]), rate)


def sidecar_files(output: Path) -> list[Path]:
    """The files that are there and belong to the description of `output`."""
    description = _place(output)
    folder = description.with_suffix("")
    found = [file for file in sorted(folder.rglob("*.png")) if _IMAGE.fullmatch(file.relative_to(folder).as_posix())]
    return [description] * description.is_file() + found


def _place(output: Path) -> Path:
    """A path is a folder if it is one, or if there is nothing yet and its name has no ending."""
    if output.is_dir() or not (output.exists() or output.suffix):
        return output / "degradation.json"
    return output.with_name(output.name + ".degradation.json")


def _stem(description: Path, number: int, words: str, key: str) -> Path:
    """Where the images of one array lie, without the ending."""
    name = f"{number}-{words.partition(':')[0]}-{key}"
    if not _IMAGE.fullmatch(name + ".png"):
        raise ValueError(f"{name!r} names no array")
    return description.with_suffix("") / name


def _write(files: dict[Path, bytes]) -> None:
    """Write all files under other names first, so that what fails (a full disk) fails before anything is replaced."""
    staged: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for path, content in files.items():
            for folder in reversed(path.parents):
                if not folder.exists():
                    folder.mkdir()
                    made.append(folder)
            staged[path] = path.with_name(f".{path.name}.{os.getpid()}.part")
            staged[path].write_bytes(content)
        for path, part in staged.items():
            part.replace(path)
    except BaseException:
        for part in staged.values():
            part.unlink(missing_ok=True)
        for folder in reversed(made):
            if not any(folder.iterdir()):
                folder.rmdir()
        raise
