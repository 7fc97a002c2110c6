"""The listening sockets of each worker, held open for as long as the server serves.

Knows: which worker accepts from which sockets, and that no socket is closed before the server
ends, unless its address is given up: what waits in its queue would be reset.
Must not know: who serves them at the moment.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from hypercorn.errors import too_many_workers
from hypercorn.inheritance import Offer, current_offer, offered, offered_by_environment
from hypercorn.serving import listening_sockets
from hypercorn.sockets import Sockets, has_own_queue, sibling

if TYPE_CHECKING:
    from hypercorn.config import Config

__all__ = ["ListeningSockets"]


class ListeningSockets:
    """Opens the sockets of a configuration for its workers, by number from 1.

    What is ``held`` already for an address is used again, that of the first ones if several have
    it. Raises BindError, and ConfigError if the system does not have enough for so many.
    """

    def __init__(self, config: Config, *held: ListeningSockets) -> None:
        self._backlog = config.backlog
        self._of: list[Sockets] = []
        own = [sock for sockets in held for sock in sockets.all()]
        context = offered(Offer(own)) if held else offered_by_environment()
        with context:
            self._of.append(listening_sockets(config))
            try:
                for _ in range(1, config.workers):
                    self._add()
                while self._are_left(current_offer()):
                    self._add()
            except OSError as error:
                self.close()
                raise too_many_workers(config.workers, error) from None

    def __len__(self) -> int:
        return len(self._of)

    def of(self, number: int) -> Sockets:
        """What this worker accepts from. Raises OSError."""
        while number > len(self._of):
            self._add()
        return self._of[number - 1]

    def own_queues_of(self, number: int) -> Sockets:
        """Those of them that no other worker accepts from, unless it is asked to."""
        sockets = self.of(number)
        return Sockets(
            [sock for sock in sockets.secure_sockets if has_own_queue(sock)],
            [sock for sock in sockets.insecure_sockets if has_own_queue(sock)],
        )

    @property
    def are_balanced(self) -> bool:
        """Whether workers have queues of their own."""
        return len(self._of) > 1 and any(map(has_own_queue, self._of[0].stream_sockets))

    def all(self) -> list[socket.socket]:
        """Every socket, by worker."""
        return [sock for sockets in self._of for sock in sockets.stream_sockets]

    def close(self) -> None:
        """Close them in this process."""
        for sockets in self._of:
            sockets.close()

    def _add(self) -> None:
        first, added = self._of[0], Sockets([], [])
        try:
            for sock in first.secure_sockets:
                added.secure_sockets.append(sibling(sock, self._backlog))
            for sock in first.insecure_sockets:
                added.insecure_sockets.append(sibling(sock, self._backlog))
        except BaseException:
            added.close()
            raise
        self._of.append(added)

    def _are_left(self, offer: Offer) -> bool:
        """Whether there are queues of workers that there are no more: they fill on, and so have
        to be held and looked after."""
        addresses = [sock.getsockname() for sock in self._of[0].stream_sockets]
        return any(
            has_own_queue(sock) and sock.getsockname() in addresses for sock in offer.left()
        )
