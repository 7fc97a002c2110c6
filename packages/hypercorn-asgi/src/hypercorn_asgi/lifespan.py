"""The application's start and end, as ASGI messages.

Knows: the ASGI lifespan specification 2.0.
Must not know: event loops, timeouts or processes. Whoever runs it waits for :attr:`changed`.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from hypercorn_asgi.errors import LifespanFailureError, UnexpectedMessageError
from hypercorn_asgi.ports import Wakeup
from hypercorn_asgi.scope import lifespan_scope
from hypercorn_asgi.typing import ASGIFramework

__all__ = ["Lifespan", "LifespanStage"]


class LifespanStage(Enum):
    """How far the lifespan is."""

    STARTING = "startup has not been answered"
    STARTED = "startup is complete"
    STOPPING = "shutdown has not been answered"
    STOPPED = "shutdown is complete"
    FAILED = "startup or shutdown failed"
    UNSUPPORTED = "the application has no lifespan"


class Lifespan:
    """The lifespan of one application in one worker.

    Args:
        app: the application.
        changed: set whenever :attr:`stage` has changed or :meth:`run` has ended.
    """

    def __init__(self, app: ASGIFramework, changed: Wakeup) -> None:
        self._app = app
        self.changed = changed
        self.stage = LifespanStage.STARTING
        self.state: dict[str, Any] = {}
        """What the application shares with its requests (ASGI ``state``)."""
        self.failure: LifespanFailureError | None = None
        self.error: Exception | None = None
        """What the application raised."""
        self.ended = False
        """The application's coroutine has returned or raised."""
        self._receive_wakeup: Wakeup | None = None
        self._startup_received = False
        self._shutdown_received = False

    async def run(self, wakeup: Wakeup) -> None:
        """Run the application's lifespan; raises no :class:`Exception`.

        Args:
            wakeup: for the application's ``receive`` to wait on.
        """
        self._receive_wakeup = wakeup
        try:
            await self._app(lifespan_scope(self.state), self._receive, self._send)
        except Exception as error:
            self.error = error
        finally:
            self.ended = True
            self._ended()

    def begin_shutdown(self) -> None:
        """Send ``lifespan.shutdown``, if the application takes part."""
        if self.stage is LifespanStage.STARTED:
            self._enter(LifespanStage.STOPPED if self.ended else LifespanStage.STOPPING)
            if self._receive_wakeup is not None:
                self._receive_wakeup.set()

    def _ended(self) -> None:
        if self.stage is LifespanStage.STARTING:
            self._enter(LifespanStage.UNSUPPORTED)
        elif self.stage is LifespanStage.STOPPING:
            self._enter(LifespanStage.STOPPED)
        else:
            self.changed.set()

    def _enter(self, stage: LifespanStage) -> None:
        self.stage = stage
        self.changed.set()

    async def _receive(self) -> Any:
        if not self._startup_received:
            self._startup_received = True
            return {"type": "lifespan.startup"}
        wakeup = self._receive_wakeup
        assert wakeup is not None
        while self.stage is not LifespanStage.STOPPING or self._shutdown_received:
            await wakeup.wait()
        self._shutdown_received = True
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Any) -> None:
        transition = _TRANSITIONS.get((self.stage, message["type"]))
        if transition is None:
            raise UnexpectedMessageError(self.stage, message["type"])
        if transition is LifespanStage.FAILED:
            name = "startup" if self.stage is LifespanStage.STARTING else "shutdown"
            self.failure = LifespanFailureError(name, message.get("message", ""))
        self._enter(transition)


_TRANSITIONS = {
    (LifespanStage.STARTING, "lifespan.startup.complete"): LifespanStage.STARTED,
    (LifespanStage.STARTING, "lifespan.startup.failed"): LifespanStage.FAILED,
    (LifespanStage.STOPPING, "lifespan.shutdown.complete"): LifespanStage.STOPPED,
    (LifespanStage.STOPPING, "lifespan.shutdown.failed"): LifespanStage.FAILED,
}
