"""Workers that are actors of a Ray cluster. All its machines see the input and the folder of the run under the same paths."""

import os
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from oneseed import station
from oneseed.crew.base import Hand
from oneseed.errors import RequestError
from oneseed.station import Orders


class Actor(Hand):
    """An actor; `resources` is what Ray sets aside for it."""

    def __init__(self, orders: Any, device: str, resources: dict[str, int]):
        self.orders, self.device, self.resources = orders, device, resources
        self._actor: Any = None

    def begin(self) -> "Future[None]":
        import ray

        self.end()
        self._actor = ray.remote(_Station).options(**self.resources).remote()  # type: ignore[attr-defined]
        return self._actor.begin.remote(self.orders, self.device).future()

    def restore(self, name: str, seconds: float) -> "Future[None]":
        return self._actor.restore.remote(name, seconds).future()

    def end(self) -> None:
        import ray

        if self._actor is not None:
            with suppress(ValueError, RuntimeError):  # it is gone, or the cluster
                ray.kill(self._actor)
        self._actor = None

    def died(self, error: BaseException) -> bool:
        from ray.exceptions import RayActorError, RayTaskError

        return isinstance(error, RayActorError) and not isinstance(error, RayTaskError)

    def cause(self, error: BaseException) -> BaseException:
        return getattr(error, "cause", None) or error


class _Station:
    def begin(self, orders: Orders, device: str) -> None:
        station.begin(orders, device)

    def restore(self, name: str, seconds: float) -> None:
        station.restore(name, seconds)


def join(address: str) -> None:
    """Be part of the cluster at `address`; `local` starts one on this machine.

    Raises:
        RequestError: Ray is not installed, or there is no cluster.
    """
    try:
        import ray
    except ImportError as error:
        raise RequestError("--ray, and Ray is not installed; needed is ray. pip install 'oneseed[ray]'.") from error
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_worker_niceness", "0")  # of a cluster that starts here; 15 is meant for guests
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    try:
        if address == "local":
            ray.init(include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise RequestError(
            f"--ray {address} leads to no cluster ({reason}); needed is one that runs. Try --ray local."
        ) from error


def hire(orders: Orders, count: int | None) -> list[Hand]:
    """`count` actors, or as many as the cluster has GPUs, or else cores for.

    Raises:
        RequestError: the cluster has not so much.
    """
    import ray

    there = ray.cluster_resources()
    gpus = int(there.get("GPU", 0)) if orders.task.device in ("auto", "cuda") else 0
    most = gpus or int(there.get("CPU", 0)) // orders.threads
    if not 0 < (count or most) <= most:
        raise RequestError(
            f"--workers {count or most} of {orders.threads} threads each, and the cluster has room for {most}; "
            f"needed are no more. Try --workers {max(most, 1)} --threads 1."
        )
    resources = {"num_gpus": 1, "num_cpus": 1} if gpus else {"num_cpus": orders.threads}
    told = ray.put(orders)
    return [Actor(told, "cuda" if gpus else orders.task.device, resources) for _ in range(count or most)]
