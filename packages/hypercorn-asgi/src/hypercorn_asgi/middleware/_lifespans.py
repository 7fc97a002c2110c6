"""One lifespan towards the server, one towards each mounted application.

Knows: that the whole is complete when every part is, and failed when one is.
Must not know: how the parts are run at once; whoever does starts all of
:attr:`Lifespans.runs`, awaits :meth:`Lifespans.conduct` and cancels what still runs.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

from hypercorn_asgi.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    LifespanScope,
)

__all__ = ["Lifespans"]

Stage = Literal["startup", "shutdown"]

_LOGGER = logging.getLogger("hypercorn_asgi.middleware")


class Event(Protocol):
    """``asyncio.Event`` or ``trio.Event``."""

    def set(self) -> None:
        """Let everybody go who waits."""

    def is_set(self) -> bool:
        """Return whether it has been set."""
        ...

    async def wait(self) -> Any:
        """Return once it has been set."""


class Lifespans:
    """The lifespans of all *mounts* (path → application) behind the one of *scope*.

    *new_event* makes an event of the library whose event loop runs. All applications share
    the ``state`` of *scope*.
    """

    def __init__(
        self,
        mounts: Mapping[str, ASGIFramework],
        scope: LifespanScope,
        new_event: Callable[[], Event],
    ) -> None:
        self._parts = [_Part(path, app, scope, new_event) for path, app in mounts.items()]

    @property
    def runs(self) -> list[Callable[[], Awaitable[None]]]:
        """What to run at the same time as :meth:`conduct`, and to cancel after it."""
        return [part.run for part in self._parts]

    async def conduct(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Pass on startup and shutdown, and answer for all of the applications.

        An application that raises before its startup is complete does not support
        lifespans and counts as complete; if all do, the first one's exception is raised.
        """
        await receive()
        if await self._start(send):
            await receive()
            await self._stop()
            await send(_shutdown_verdict(self._failures("shutdown")))
        else:
            await self._stop()

    async def _start(self, send: ASGISendCallable) -> bool:
        for part in self._parts:
            part.startup.set()
        for part in self._parts:
            await part.started.wait()
        self._report_unsupported()
        failures = self._failures("startup")
        await send(_startup_verdict(failures))
        return not failures

    async def _stop(self) -> None:
        for part in self._parts:
            part.shutdown.set()
        for part in self._parts:
            await part.stopped.wait()

    def _failures(self, stage: Stage) -> list[str]:
        return [part.failures[stage] for part in self._parts if stage in part.failures]

    def _report_unsupported(self) -> None:
        errors = [(part.path, part.error) for part in self._parts if part.error is not None]
        if errors and len(errors) == len(self._parts):
            raise errors[0][1]
        for path, error in errors:
            _LOGGER.warning(
                "the application at %r raised %r in its lifespan, continuing without", path, error
            )


class _Part:
    """The lifespan of one application, which sees *this* as its server."""

    def __init__(
        self,
        path: str,
        app: ASGIFramework,
        scope: LifespanScope,
        new_event: Callable[[], Event],
    ) -> None:
        self.path = path
        self.startup, self.started = new_event(), new_event()
        self.shutdown, self.stopped = new_event(), new_event()
        self.error: Exception | None = None
        """What it raised before its startup was complete."""
        self.failures: dict[Stage, str] = {}
        """Why its startup or its shutdown failed."""
        self._app = app
        self._scope = scope
        self._new_event = new_event
        self._unheard: list[ASGIReceiveEvent] = [
            {"type": "lifespan.shutdown"},
            {"type": "lifespan.startup"},
        ]

    async def run(self) -> None:
        """Run the application; an exception is kept for whoever conducts."""
        try:
            await self._app(self._scope.copy(), self._receive, self._send)
        except Exception as error:
            self._take_error(error)
        finally:
            # An application that returned has nothing more to do, in either stage.
            self.started.set()
            self.stopped.set()

    def _take_error(self, error: Exception) -> None:
        if not self.started.is_set():
            self.error = error
        else:  # also between the stages: the shutdown is where it can still be told
            self.failures.setdefault("shutdown", repr(error))

    async def _receive(self) -> ASGIReceiveEvent:
        if not self._unheard:
            await self._new_event().wait()  # nothing comes any more: until cancelled
        message = self._unheard.pop()
        await (self.startup if message["type"] == "lifespan.startup" else self.shutdown).wait()
        return message

    async def _send(self, message: ASGISendEvent) -> None:
        if message["type"] == "lifespan.startup.complete":
            self.started.set()
        elif message["type"] == "lifespan.startup.failed":
            self.failures["startup"] = message.get("message", "")
            self.started.set()
        elif message["type"] == "lifespan.shutdown.complete":
            self.stopped.set()
        elif message["type"] == "lifespan.shutdown.failed":
            self.failures["shutdown"] = message.get("message", "")
            self.stopped.set()
        else:
            raise ValueError(f"{message['type']} does not belong to a lifespan")


def _startup_verdict(failures: list[str]) -> ASGISendEvent:
    if failures:
        return {"type": "lifespan.startup.failed", "message": "; ".join(failures)}
    return {"type": "lifespan.startup.complete"}


def _shutdown_verdict(failures: list[str]) -> ASGISendEvent:
    if failures:
        return {"type": "lifespan.shutdown.failed", "message": "; ".join(failures)}
    return {"type": "lifespan.shutdown.complete"}
