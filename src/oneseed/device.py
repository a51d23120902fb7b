"""Where a run takes place, and what it took."""

import ctypes
import sys

import torch

from oneseed.errors import RequestError


def choose_device(name: str) -> torch.device:
    """`auto` is the GPU if there is one, else Apple's, else the CPU.

    Raises:
        RequestError: an unknown name, or a device that is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, found in there.items() if found))
    kind = name.partition(":")[0]
    if kind not in there:
        raise RequestError(f"--device {name}; needed is one of auto, {', '.join(there)}. Choose one.")
    if not there[kind]:
        raise RequestError(
            f"--device {name}, and this machine has none; needed is one that is there. Try --device auto."
        )
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise RequestError(f"--device {name} is malformed; needed is a name like cuda or cuda:0. Change it.") from error


def devices(name: str, count: int) -> list[str]:
    """For each of `count` workers a device: `name`, or where that leaves it open, one GPU after the other."""
    gpus = torch.cuda.device_count() if name in ("auto", "cuda") and torch.cuda.is_available() else 0
    return [f"cuda:{number % gpus}" if gpus else name for number in range(count)]


def fast_in_bfloat16(device: torch.device) -> bool:
    """Whether networks gain from bfloat16 there: GPUs whose cores know it, and CPUs with instructions for it. Others are
    ten times slower."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # new in torch 2.11
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def fast_dtype(device: torch.device) -> torch.dtype:
    """Of a checkpoint: float32 on a CPU; on a GPU bfloat16 where that is fast, else float16 (gradients do not vanish)."""
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if fast_in_bfloat16(device) else torch.float16


def peak_memory_mb(device: torch.device) -> float:
    """The most that was held so far: of the GPU's memory, or else of the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


def give_memory_back() -> None:
    """From now on what a run lets go of returns to the system at once, in this process: glibc alone keeps it, in pieces that
    fit nothing and for every thread its own, so that a long run would grow. A third less is held, and a tenth of the speed
    lost."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 4 * 2**20)
        mallopt(_M_ARENA_MAX, 1)


_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
