"""Who looks after the listening sockets of a worker that does not serve.

Knows: that where workers have queues of their own, connections still come to a queue whose worker
is starting, has died, is blocked, or is one too many.
Must not know: why a worker does not serve.
"""

from __future__ import annotations

from collections.abc import Iterable

from .handle import WorkerHandle, WorkerState
from .listening import ListeningSockets

__all__ = ["share_queues"]


def share_queues(workers: Iterable[WorkerHandle], sockets: ListeningSockets) -> None:
    """Have all workers that serve accept from the queues that nobody else does, and only those."""
    if not sockets.are_balanced:
        return
    serving = [worker for worker in workers if worker.state is WorkerState.SERVING]
    looked_after = {worker.number for worker in serving if not worker.is_neglected}
    lonely = set(range(1, len(sockets) + 1)) - looked_after
    for worker in serving:
        for number in worker.adopted - lonely:
            worker.release(number)
        for number in lonely - worker.adopted - {worker.number}:
            worker.adopt(number, sockets.own_queues_of(number))
