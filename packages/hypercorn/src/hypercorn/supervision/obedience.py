"""How a worker follows its supervisor's commands.

Knows: what each command of the channel means for a :class:`~hypercorn_workers.worker.Worker`.
Must not know: event loops: whoever waits for the channel is in :mod:`hypercorn.asyncio.shutdown`
or :mod:`hypercorn.trio.shutdown`.
"""

from __future__ import annotations

from hypercorn import log_files
from hypercorn.serving import Credentials
from hypercorn.sockets import keep_to_this_process
from hypercorn_workers.worker import Ending, Worker

from .channel import Adopt, Alive, Command, Due, Ping, Release, Reopen, Stop, WorkerLink

__all__ = ["Obedience"]


class Obedience:
    """Carries out what comes through the worker's end of a channel."""

    def __init__(self, link: WorkerLink, credentials: Credentials) -> None:
        self.link = link
        self._credentials = credentials
        self._worker: Worker | None = None
        self._lacking: set[int] = set()

    def attach(self, worker: Worker) -> None:
        """This is the worker."""
        self._worker = worker
        worker.exhausted = self._exhausted

    def follow(self) -> bool:
        """Carry out what has come; returns whether there is still a supervisor."""
        for command in self.link.receive():
            self._carry_out(command)
        return self.link.is_open

    def _carry_out(self, command: Command) -> None:
        worker = self._worker
        assert worker is not None, "commands are followed while a worker serves"
        match command:
            case Stop(ending):
                worker.begin_shutdown(Ending[ending])
            case Ping():
                self.link.send(Alive(sorted(self._lacking)))
            case Reopen():
                log_files.reopen()
            case Adopt(number, secure, insecure):
                self._adopt(worker, number, secure, insecure)
            case Release(number):
                self._lacking.discard(number)
                worker.release(number)

    def _adopt(self, worker: Worker, number: int, secure: int, insecure: int) -> None:
        sockets = self.link.take_sockets()
        keep_to_this_process(sockets)
        self._lacking.discard(number)
        if len(sockets) < secure + insecure:
            # It is told with the answer to the next question: by then there may be room.
            self._lacking.add(number)
            for sock in sockets:
                sock.close()
            return
        worker.adopt(number, self._credentials.listeners(sockets[:secure], sockets[secure:]))

    def _exhausted(self) -> None:
        self.link.send(Due("has served its requests"))
