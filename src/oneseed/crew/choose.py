"""How many work at a run, and where."""

from dataclasses import dataclass

import torch

from oneseed.crew import on_ray
from oneseed.crew.base import Hand
from oneseed.crew.processes import Process
from oneseed.device import devices
from oneseed.errors import RequestError
from oneseed.station import Orders


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Who restores the pieces.

    Raises:
        RequestError: fewer than one worker or thread.
    """

    workers: int | None = None
    """Processes; None: this one, or of a cluster as many as it has room for."""
    threads: int | None = None
    """Of each; None: the cores of this machine, shared out; one in a cluster."""
    ray: str | None = None
    """Address of a Ray cluster, `auto`, or `local`."""

    def __post_init__(self) -> None:
        for name in ("workers", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(f"--{name} {value}; needed is at least 1. Leave it out, or give 1.")

    @property
    def alone(self) -> bool:
        """Whether this process does the work."""
        return self.ray is None and self.workers in (None, 1)

    def share(self, device: str) -> int:
        """Workers that share the memory of this machine, or of one GPU."""
        if self.alone or self.ray is not None:
            return 1
        places = devices(device, self.workers or 1)
        return max(map(places.count, places))

    def settle(self) -> None:
        """What this process does for the crew: it keeps to its threads, or joins the cluster.

        Raises:
            RequestError: there is no cluster.
        """
        if self.ray is not None:
            on_ray.join(self.ray)
        elif self.alone and self.threads is not None:
            torch.set_num_threads(self.threads)

    def threads_each(self) -> int:
        if self.threads is not None:
            return self.threads
        return 1 if self.ray is not None else max(torch.get_num_threads() // (self.workers or 1), 1)

    def hire(self, orders: Orders) -> list[Hand]:
        """Raises:
        RequestError: the cluster has not so much.
        """
        if self.ray is not None:
            return on_ray.hire(orders, self.workers)
        return [Process(orders, device) for device in devices(orders.task.device, self.workers or 1)]
