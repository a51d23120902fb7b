"""torchvision imports, whatever build of torch it stands beside."""

import importlib.util
import subprocess
import sys

from oneseed import torchvision_operators


def test_torchvision_imports_and_builds_its_flow_networks_in_a_fresh_process():
    program = (
        "from oneseed.torchvision_operators import declare; declare(); declare();"
        "from torchvision.models.optical_flow import raft_small; raft_small()"
    )
    folder = importlib.util.find_spec("oneseed").submodule_search_locations[0]  # type: ignore[union-attr]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=f"{folder}/..")
    assert done.returncode == 0, done.stderr


def test_without_torchvision_nothing_is_declared(monkeypatch):
    monkeypatch.setattr(torchvision_operators, "_library", None)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    torchvision_operators.declare()
    assert torchvision_operators._library is None
    assert "torchvision" not in sys.modules
