"""What this machine can run, what is missing, and the one command that mends it."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator

import oneseed
from oneseed import registry

NEEDED = ("torch", "diffusers", "av", "opencv-python-headless", "torchmetrics", "safetensors")
OPTIONAL = {
    "torchvision": "pip install 'oneseed[raft]'   (for --flow raft)",
    "transformers": "pip install 'oneseed[diffusers]'   (for Stable Diffusion checkpoints)",
}
USUAL = (16, 3, 512, 512)  # frames


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


def _memory() -> Iterator[str]:
    """What is free, and what a usual run would take of it."""
    from oneseed.device import choose_device
    from oneseed.load import load_prior
    from oneseed.memory import estimate, free_bytes, gib
    from oneseed.recipe import Recipe

    free = free_bytes(choose_device("auto"))
    n, _, h, w = USUAL
    needed = estimate(load_prior("tiny"), USUAL, Recipe()).total
    told = "" if free is None else f"; free there: {gib(free)}"
    yield f"memory for {n} frames of {w}x{h} with the prior tiny: about {gib(needed)}{told}"


def _weights() -> Iterator[str]:
    from oneseed.denoise.tiny import SHIPPED as DENOISER
    from oneseed.prior.tiny import PARTS, SHIPPED
    from oneseed.score import find_weights, missing_weights

    there = all((SHIPPED / part).is_file() for part in PARTS)
    yield "prior tiny: there" if there else "missing: the prior tiny. Run: pip install --force-reinstall oneseed"
    if there and _version("torch"):
        yield from _memory()
    there = (DENOISER / "model.safetensors").is_file()
    yield "denoiser tiny: there" if there else "missing: the denoiser tiny. Run: pip install --force-reinstall oneseed"
    for backbone in ("alex", "vgg"):
        path = find_weights(backbone)
        yield f"LPIPS {backbone}: {path}" if path else f"missing, optional: {missing_weights(backbone)}"
