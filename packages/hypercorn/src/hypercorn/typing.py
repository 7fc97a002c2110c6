"""The types of ASGI and WSGI, and the interfaces of 0.18's internals.

Knows: the names that frameworks import from here. Those of ASGI and WSGI are
:mod:`hypercorn_asgi.typing`'s.
Must not know: how anything is served. The protocols below describe what 0.18 passed around; this
server has no such objects, and the names remain for annotations that mention them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from hypercorn_asgi.typing import (
    AppWrapper,
    ASGIFramework,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    ASGIVersions,
    ConnectionState,
    Framework,
    HTTPDisconnectEvent,
    HTTPEarlyHintEvent,
    HTTPRequestEvent,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPResponseTrailersEvent,
    HTTPScope,
    HTTPServerPushEvent,
    LifespanScope,
    LifespanShutdownCompleteEvent,
    LifespanShutdownEvent,
    LifespanShutdownFailedEvent,
    LifespanStartupCompleteEvent,
    LifespanStartupEvent,
    LifespanStartupFailedEvent,
    LifespanState,
    ResponseSummary,
    Scope,
    WebsocketAcceptEvent,
    WebsocketCloseEvent,
    WebsocketConnectEvent,
    WebsocketDisconnectEvent,
    WebsocketReceiveEvent,
    WebsocketResponseBodyEvent,
    WebsocketResponseStartEvent,
    WebsocketScope,
    WebsocketSendEvent,
    WSGIFramework,
    WWWScope,
)

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event as EventType

    from .config import Config, Sockets

__all__ = [
    "ASGIFramework",
    "ASGIReceiveCallable",
    "ASGIReceiveEvent",
    "ASGISendCallable",
    "ASGISendEvent",
    "ASGIVersions",
    "AppWrapper",
    "ConnectionState",
    "Event",
    "Framework",
    "H2AsyncStream",
    "H2SyncStream",
    "H11SendableEvent",
    "HTTPDisconnectEvent",
    "HTTPEarlyHintEvent",
    "HTTPRequestEvent",
    "HTTPResponseBodyEvent",
    "HTTPResponseStartEvent",
    "HTTPResponseTrailersEvent",
    "HTTPScope",
    "HTTPServerPushEvent",
    "LifespanScope",
    "LifespanShutdownCompleteEvent",
    "LifespanShutdownEvent",
    "LifespanShutdownFailedEvent",
    "LifespanStartupCompleteEvent",
    "LifespanStartupEvent",
    "LifespanStartupFailedEvent",
    "LifespanState",
    "ResponseSummary",
    "Scope",
    "SingleTask",
    "TaskGroup",
    "WSGIFramework",
    "WWWScope",
    "WebsocketAcceptEvent",
    "WebsocketCloseEvent",
    "WebsocketConnectEvent",
    "WebsocketDisconnectEvent",
    "WebsocketReceiveEvent",
    "WebsocketResponseBodyEvent",
    "WebsocketResponseStartEvent",
    "WebsocketScope",
    "WebsocketSendEvent",
    "WorkerContext",
    "WorkerFunc",
]

H11SendableEvent = Any
"""An event of the h11 library that a server sends."""


class WorkerFunc(Protocol):
    """What a worker process runs, such as :func:`hypercorn.asyncio.run.asyncio_worker`."""

    def __call__(
        self,
        config: Config,
        sockets: Sockets | None = None,
        shutdown_event: EventType | None = None,
    ) -> None:
        """Serve until the event is set."""
        ...


class Event(Protocol):
    """An event of the running loop."""

    def __init__(self) -> None: ...

    async def clear(self) -> None:
        """Make waiters wait."""
        ...

    async def set(self) -> None:
        """Let waiters go on."""
        ...

    async def wait(self) -> None:
        """Wait until it is set."""
        ...

    def is_set(self) -> bool:
        """Whether it is set."""
        ...


class SingleTask(Protocol):
    """A task that is replaced rather than run twice."""

    def __init__(self) -> None: ...

    async def restart(self, task_group: TaskGroup, action: Callable[..., Any]) -> None:
        """Stop it and run this."""
        ...

    async def stop(self) -> None:
        """Stop it."""
        ...


class WorkerContext(Protocol):
    """What a worker offered to its connections."""

    event_class: type[Event]
    single_task_class: type[SingleTask]
    terminate: Event
    terminated: Event

    async def mark_request(self) -> None:
        """Count a request."""
        ...

    @staticmethod
    async def sleep(wait: float | int) -> None:
        """Wait."""
        ...

    @staticmethod
    def time() -> float:
        """The loop's clock."""
        ...


class TaskGroup(Protocol):
    """The tasks of a connection."""

    async def spawn_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        """Run the application for a scope."""
        ...

    def spawn(self, func: Callable[..., Any], *args: Any) -> None:
        """Run a task."""
        ...

    async def __aenter__(self) -> TaskGroup: ...

    async def __aexit__(self, exc_type: Any, exc_value: Any, tb: Any) -> None: ...


class H2SyncStream(Protocol):
    """A stream of an HTTP/2 connection."""

    scope: dict[str, Any]

    def data_received(self, data: bytes) -> None:
        """Content came."""
        ...

    def ended(self) -> None:
        """The request is complete."""
        ...

    def reset(self) -> None:
        """The client gave the stream up."""
        ...

    def close(self) -> None:
        """The connection is over."""
        ...

    async def handle_request(
        self, event: Any, scheme: str, client: tuple[str, int], server: tuple[str, int]
    ) -> None:
        """Serve the request."""
        ...


class H2AsyncStream(Protocol):
    """As :class:`H2SyncStream`, of coroutines."""

    scope: dict[str, Any]

    async def data_received(self, data: bytes) -> None:
        """Content came."""
        ...

    async def ended(self) -> None:
        """The request is complete."""
        ...

    async def reset(self) -> None:
        """The client gave the stream up."""
        ...

    async def close(self) -> None:
        """The connection is over."""
        ...

    async def handle_request(
        self, event: Any, scheme: str, client: tuple[str, int], server: tuple[str, int]
    ) -> None:
        """Serve the request."""
        ...
