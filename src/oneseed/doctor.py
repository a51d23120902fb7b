"""What this machine can run, what is missing, and the one command that mends it."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator

import oneseed
from oneseed import registry

NEEDED = ("torch", "diffusers", "av", "opencv-python-headless", "torchmetrics", "safetensors")
OPTIONAL = {"torchvision": "pip install 'oneseed[raft]'   (for --flow raft)"}


def examine() -> Iterator[str]:
    """One line a finding; what needs mending begins with `missing`."""
    yield f"oneseed {oneseed.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield f"cores: {os.cpu_count()}"
    for package in NEEDED:
        version = _version(package)
        yield f"{package} {version}" if version else f"missing: {package}. Run: pip install --force-reinstall oneseed"
    for package, mend in OPTIONAL.items():
        version = _version(package)
        yield f"{package} {version}" if version else f"missing, optional: {package}. Run: {mend}"
    if _version("torch"):
        yield from _devices()
    yield f"free disk here: {shutil.disk_usage('.').free / 2**30:.0f} GiB"
    yield from _weights()
    for room in registry.ROOMS:
        yield f"{room}: {', '.join(registry.choices(room))}"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> Iterator[str]:
    import torch

    from oneseed.device import choose_device

    yield f"device that --device auto takes: {choose_device('auto')}"
    for number in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(number)
        yield f"cuda:{number}: {card.name}, {card.total_memory / 2**30:.0f} GiB"


def _weights() -> Iterator[str]:
    from oneseed.prior.tiny import SHIPPED
    from oneseed.score import find_weights, missing_weights

    there = (SHIPPED / "unet/config.json").is_file()
    yield "prior tiny: there" if there else "missing: the prior tiny. Run: pip install --force-reinstall oneseed"
    for backbone in ("alex", "vgg"):
        path = find_weights(backbone)
        yield f"LPIPS {backbone}: {path}" if path else f"missing, optional: {missing_weights(backbone)}"
