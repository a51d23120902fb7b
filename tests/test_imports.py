"""The house from above: which way imports point, what they cost, and how large a file may grow."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import oneseed
from oneseed import registry

SOURCE = Path(oneseed.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

ORDER = (  # who stands further down may import who stands further up; who stands on one line may not import each other
    "errors shapes box adam",
    "jit",
    "registry fields disk lanes last_layer differences ddim residual torchvision_operators noise device",
    "compiled smoothness_compiled products _tail_kernels",
    "sampling cli_json misfit tail_triton residual_compiled",
    "warp",
    "moved_compiled",
    "tail",
    "clip degrade prior denoise flow metrics normal",
    "pieces",
    "choice objective graphs _sidecar_arrays spec score least_squares recipe load sample",
    "sidecar presets finish plug_and_play epoch",
    "journal",
    "video state_file notes",
    "search kept status",
    "restore memory work task fingerprint",
    "train sizing worker queue",
    "station restored",
    "crew many",
    "run",
    "pipeline restore_file",
    "progress doctor cli_options",
    "cli_prior cli_restore",
    "cli demo",
)
LEVEL = {name: level for level, line in enumerate(ORDER) for name in line.split()}

HEAVY = (
    "torch",
    "diffusers",
    "av",
    "cv2",
    "torchvision",
    "torchmetrics",
    "numpy",
    "scipy",
    "numba",
    "PIL",
    "safetensors",
    "scenedetect",
)


def place(path: Path) -> str:
    """The folder, or else the file, at the top of the package."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """What a file imports of ours, wherever in it: ("degrade", "mask")."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            parts = tuple((node.module or "").split("."))
            if parts == ("oneseed",):
                yield from ((alias.name,) for alias in node.names)
            elif parts[0] == "oneseed":
                yield parts[1:]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                if parts[0] == "oneseed" and len(parts) > 1:
                    yield parts[1:]


def names(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", FILES, ids=names)
def test_imports_point_one_way(path: Path):
    here = place(path)
    if here == "__init__":
        assert list(imported(path)) == []
        return
    for there, *_ in imported(path):
        assert there in LEVEL, f"{there} has no place in ORDER"
        assert there == here or LEVEL[there] < LEVEL[here], f"{here} may not import {there}"


def test_every_file_has_a_place():
    assert {place(path) for path in FILES} - {"__init__"} == set(LEVEL)


@pytest.mark.parametrize("room", registry.ROOMS)
def test_what_can_be_swapped_knows_only_its_contract(room: str):
    for path in (SOURCE / room).glob("*.py"):
        for there, *rest in imported(path):
            assert there not in registry.ROOMS or there == room
            assert there != room or all(name == "base" or name.startswith("_") for name in rest[:1])


@pytest.mark.parametrize("path", FILES, ids=names)
def test_no_file_is_long_and_each_says_what_it_is(path: Path):
    text = path.read_text()
    assert len(text.splitlines()) <= 250
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", FILES, ids=names)
def test_no_function_swallows_keywords(path: Path):
    functions = [
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef | ast.Lambda)
    ]
    assert [node.lineno for node in functions if node.args.kwarg] == []


def fresh(code: str) -> list[str]:
    """What a new interpreter prints."""
    start = f"import sys, time; sys.path.insert(0, {str(SOURCE.parent)!r}); began = time.perf_counter()\n"
    run = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, check=True)
    return run.stdout.split("\n")


LOADED = f"print([name for name in {HEAVY} if name in sys.modules])"


def test_importing_the_package_costs_next_to_nothing():
    loaded, seconds, *_ = fresh(f"import oneseed\nseconds = time.perf_counter() - began\n{LOADED}\nprint(seconds)")
    assert loaded == "[]"
    assert float(seconds) < 0.3


@pytest.mark.parametrize("words", [["--help"], ["restore", "--help"], ["train", "--help"], ["restore", "--nonsense"]])
def test_help_loads_no_networks(words: list[str]):
    code = f"from oneseed import cli\nsys.argv = {['oneseed', *words]}\ntry:\n    cli.main()\nexcept SystemExit:\n    {LOADED}"
    *_, loaded, _ = fresh(code)
    assert loaded == "[]"


def test_public_names_are_there_and_stay_what_they_are():
    """The modules `restore` and `score` are loaded on the way, and must not take the place of the functions."""
    code = (
        "import oneseed\nfor _ in range(2):\n    print([callable(getattr(oneseed, name)) for name in oneseed.__all__])"
    )
    first, second, _ = fresh(code)
    expected = str([name != "degrade" for name in oneseed.__all__])
    assert first == expected
    assert second == expected
    assert set(oneseed.__all__) <= set(dir(oneseed))


def test_submodules_can_still_be_imported_by_name():
    from oneseed.restore import Epoch, restore
    from oneseed.score import Score, score

    assert oneseed.restore is restore
    assert oneseed.score is score
    assert oneseed.Epoch is Epoch
    assert Score.__module__ == "oneseed.score"


def test_a_name_that_is_not_public_is_missing():
    with pytest.raises(AttributeError, match="module 'oneseed' has no attribute 'restaurant'"):
        oneseed.restaurant  # noqa: B018
