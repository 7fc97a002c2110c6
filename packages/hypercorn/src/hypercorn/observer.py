"""What a worker reports, as log lines.

Knows: the wording of the lines, and which reports go to which method of the logger.
Must not know: how the logger writes them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from hypercorn_workers.settings import NullObserver, ServedResponse

from .logging import Logger

__all__ = ["LogObserver", "running_line"]


def running_line(address: str) -> str:
    """The line that says where the server is reached."""
    return f"Running on {address} (CTRL + C to quit)"


class LogObserver(NullObserver):
    """Writes a worker's reports to a logger.

    ``started`` is called with the addresses once all of them accept; if ``announce`` is false, it
    is left to that function to say where the server runs.
    """

    def __init__(
        self,
        log: Logger,
        started: Callable[[list[str]], None] | None = None,
        *,
        announce: bool = True,
    ) -> None:
        self.observes_requests = _logs_requests(log)
        self._log = log
        self._started = started
        self._announce = announce
        self.announced: Callable[[], object] = lambda: None
        """Called when it has been said where the server runs."""

    async def request_finished(
        self, scope: Any, response: ServedResponse | None, duration: float
    ) -> None:
        """Log the request."""
        summary: Any = (
            None if response is None else {"status": response.status, "headers": response.headers}
        )
        await self._log.access(scope, summary, duration)

    async def application_failed(self, scope: Any, error: BaseException) -> None:
        """Log the traceback."""
        await self._log.exception("Error in ASGI Framework", exc_info=error)

    async def lifespan_unsupported(self, error: BaseException) -> None:
        """Warn, with the reason, as an application that meant to support it has a defect."""
        message = "ASGI Framework Lifespan error, continuing without Lifespan support"
        await self._log.warning(f"{message} (%s: %s)", type(error).__name__, error)
        await self._log.debug("The lifespan error was:", exc_info=error)

    async def listening(self, addresses: Sequence[str]) -> None:
        """Say what is served where, one line for each address."""
        if self._started is not None:
            self._started(list(addresses))
        if self._announce:
            for address in addresses:
                await self._log.info(running_line(address))
        self.announced()

    async def warn(self, message: str) -> None:
        """Log the warning."""
        await self._log.warning("%s", message)


def _logs_requests(log: Logger) -> bool:
    """Whether anything would come of a report: a subclass may do more than write a line."""
    kind = type(log)
    if not issubclass(kind, Logger) or kind.access is not Logger.access:
        return True
    return log.access_logger is not None and log.access_logger.isEnabledFor(logging.INFO)
