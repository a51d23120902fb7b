"""Functions compiled for a CPU by numba, and threads to run them on."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from inspect import unwrap
from threading import Barrier
from typing import Any

import torch
from numba import njit
from torch import Tensor


def jit(function: Callable[..., Any]) -> Any:
    """Compiled when it is called first, which takes seconds; what was compiled is kept for the next time."""
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    function = unwrap(function)  # without the checks that tests put around it
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # there is no place to keep what was compiled
        return njit(**options)(function)


def serves(*tensors: Tensor) -> bool:
    """Whether compiled code can work on them: on a CPU, in 32 or 64 bits, and none that has a size alone."""
    return all(
        type(t) in (Tensor, torch.nn.Parameter) and t.device.type == "cpu" and t.dtype in (torch.float32, torch.float64)
        for t in tensors
    )


def each(work: Callable[[int], Any], numbers: Iterable[int]) -> list[Any]:
    """What `work` returns for each, in order, on as many threads as torch uses; in each of them it uses one."""
    threads = torch.get_num_threads()
    return [work(n) for n in numbers] if threads == 1 else list(_pool(threads).map(work, numbers))


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads in each of which torch takes one."""
    begun = Barrier(threads + 1)

    def begin() -> None:
        torch.get_num_threads()  # a thread takes over the common number when it is asked for first
        torch.set_num_threads(1)  # of this thread; and of those that will come, against which the last line is
        begun.wait()

    pool = ThreadPoolExecutor(threads, "oneseed", begin)
    for _ in range(threads):
        pool.submit(int)
    begun.wait()
    torch.set_num_threads(threads)
    return pool


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads are not forked
