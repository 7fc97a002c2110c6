"""The vocabulary of ASGI and WSGI as types: scopes, messages, callables.

Knows: the ASGI specification 3.0 with its HTTP and WebSocket format 2.5, its lifespan
protocol 2.0 and its extensions, and PEP 3333, as far as a type can tell of them.
Must not know: how a server fills a scope or acts on a message.

What the server sends (scopes, events that ``receive()`` gives) has every key that this
project's server always fills; what the application sends (events for ``send()``) marks the
keys that the specification lets it leave out with ``NotRequired``.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Literal, NewType, Protocol, TypeVar

if sys.version_info >= (3, 11):
    from typing import NotRequired, TypedDict
else:  # PEP 655
    from typing_extensions import NotRequired, TypedDict

__all__ = [
    "ASGIFramework",
    "ASGIReceiveCallable",
    "ASGIReceiveEvent",
    "ASGISendCallable",
    "ASGISendEvent",
    "ASGIVersions",
    "AppWrapper",
    "CallSoon",
    "ConnectionState",
    "Framework",
    "HTTPDisconnectEvent",
    "HTTPEarlyHintEvent",
    "HTTPRequestEvent",
    "HTTPResponseBodyEvent",
    "HTTPResponseDebugEvent",
    "HTTPResponsePathsendEvent",
    "HTTPResponseStartEvent",
    "HTTPResponseTrailersEvent",
    "HTTPResponseZeroCopySendEvent",
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
    "SyncSpawn",
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
]

T = TypeVar("T")

LifespanState = dict[str, Any]
"""The namespace that an application fills during its lifespan startup."""

ConnectionState = NewType("ConnectionState", dict[str, Any])
"""A shallow copy of a :data:`LifespanState`, one for each request."""


# Scopes


class ASGIVersions(TypedDict):
    """``scope["asgi"]``."""

    spec_version: str
    version: Literal["2.0", "3.0"]


class HTTPScope(TypedDict):
    """One HTTP request."""

    type: Literal["http"]
    asgi: ASGIVersions
    http_version: str
    method: str
    scheme: str
    path: str
    raw_path: bytes
    query_string: bytes
    root_path: str
    headers: Iterable[tuple[bytes, bytes]]
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    state: ConnectionState
    extensions: dict[str, dict[Any, Any]]


class WebsocketScope(TypedDict):
    """One WebSocket session, from its handshake on."""

    type: Literal["websocket"]
    asgi: ASGIVersions
    http_version: str
    scheme: str
    path: str
    raw_path: bytes
    query_string: bytes
    root_path: str
    headers: Iterable[tuple[bytes, bytes]]
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    subprotocols: Iterable[str]
    state: ConnectionState
    extensions: dict[str, dict[Any, Any]]


class LifespanScope(TypedDict):
    """The time between the start and the stop of one event loop."""

    type: Literal["lifespan"]
    asgi: ASGIVersions
    state: LifespanState


WWWScope = HTTPScope | WebsocketScope
Scope = HTTPScope | WebsocketScope | LifespanScope


# HTTP messages


class HTTPRequestEvent(TypedDict):
    """Received: a part of the request's content."""

    type: Literal["http.request"]
    body: bytes
    more_body: bool


class HTTPDisconnectEvent(TypedDict):
    """Received: the client left, or the response is complete."""

    type: Literal["http.disconnect"]


class HTTPResponseStartEvent(TypedDict):
    """Sent: status and header section; held back until the first part of the content."""

    type: Literal["http.response.start"]
    status: int
    headers: NotRequired[Iterable[tuple[bytes, bytes]]]
    trailers: NotRequired[bool]


class HTTPResponseBodyEvent(TypedDict):
    """Sent: a part of the response's content."""

    type: Literal["http.response.body"]
    body: NotRequired[bytes]
    more_body: NotRequired[bool]


class HTTPResponseTrailersEvent(TypedDict):
    """Sent: trailer fields (extension ``http.response.trailers``)."""

    type: Literal["http.response.trailers"]
    headers: NotRequired[Iterable[tuple[bytes, bytes]]]
    more_trailers: NotRequired[bool]


class HTTPServerPushEvent(TypedDict):
    """Sent: a promise of another response (extension ``http.response.push``)."""

    type: Literal["http.response.push"]
    path: str
    headers: Iterable[tuple[bytes, bytes]]


class HTTPEarlyHintEvent(TypedDict):
    """Sent: the ``Link`` fields of a 103 (extension ``http.response.early_hint``)."""

    type: Literal["http.response.early_hint"]
    links: Iterable[bytes]


class FileDescriptorHolder(Protocol):
    """An open file with a descriptor of the operating system."""

    def fileno(self) -> int:
        """Return the descriptor; its owner closes it."""
        ...


class HTTPResponseZeroCopySendEvent(TypedDict):
    """Sent: content straight from a file (extension ``http.response.zerocopysend``)."""

    type: Literal["http.response.zerocopysend"]
    file: FileDescriptorHolder
    offset: NotRequired[int]
    count: NotRequired[int]
    more_body: NotRequired[bool]


class HTTPResponsePathsendEvent(TypedDict):
    """Sent: all of the content, by a file's absolute path (``http.response.pathsend``)."""

    type: Literal["http.response.pathsend"]
    path: str


class HTTPResponseDebugEvent(TypedDict):
    """Sent: information for tests (extension ``http.response.debug``)."""

    type: Literal["http.response.debug"]
    info: dict[str, Any]


# WebSocket messages


class WebsocketConnectEvent(TypedDict):
    """Received: the client asks for the handshake to be completed."""

    type: Literal["websocket.connect"]


class WebsocketReceiveEvent(TypedDict):
    """Received: one message; exactly one of the two values is not ``None``."""

    type: Literal["websocket.receive"]
    bytes: bytes | None
    text: str | None


class WebsocketDisconnectEvent(TypedDict):
    """Received: the session is over (``reason`` since format 2.5)."""

    type: Literal["websocket.disconnect"]
    code: int
    reason: NotRequired[str | None]


class WebsocketAcceptEvent(TypedDict):
    """Sent: complete the handshake."""

    type: Literal["websocket.accept"]
    subprotocol: NotRequired[str | None]
    headers: NotRequired[Iterable[tuple[bytes, bytes]]]


class WebsocketSendEvent(TypedDict):
    """Sent: one message; exactly one of the two values is there and not ``None``."""

    type: Literal["websocket.send"]
    bytes: NotRequired[bytes | None]
    text: NotRequired[str | None]


class WebsocketCloseEvent(TypedDict):
    """Sent: end the session; before ``websocket.accept``: refuse it with 403."""

    type: Literal["websocket.close"]
    code: NotRequired[int]
    reason: NotRequired[str | None]


class WebsocketResponseStartEvent(TypedDict):
    """Sent: refuse the handshake with this response (``websocket.http.response``)."""

    type: Literal["websocket.http.response.start"]
    status: int
    headers: NotRequired[Iterable[tuple[bytes, bytes]]]


class WebsocketResponseBodyEvent(TypedDict):
    """Sent: content of the refusal (extension ``websocket.http.response``)."""

    type: Literal["websocket.http.response.body"]
    body: NotRequired[bytes]
    more_body: NotRequired[bool]


# Lifespan messages


class LifespanStartupEvent(TypedDict):
    """Received: prepare to serve."""

    type: Literal["lifespan.startup"]


class LifespanShutdownEvent(TypedDict):
    """Received: nothing is served any more, clean up."""

    type: Literal["lifespan.shutdown"]


class LifespanStartupCompleteEvent(TypedDict):
    """Sent: ready to serve."""

    type: Literal["lifespan.startup.complete"]


class LifespanStartupFailedEvent(TypedDict):
    """Sent: the server must not start."""

    type: Literal["lifespan.startup.failed"]
    message: NotRequired[str]


class LifespanShutdownCompleteEvent(TypedDict):
    """Sent: clean."""

    type: Literal["lifespan.shutdown.complete"]


class LifespanShutdownFailedEvent(TypedDict):
    """Sent: cleaning up failed."""

    type: Literal["lifespan.shutdown.failed"]
    message: NotRequired[str]


ASGIReceiveEvent = (
    HTTPRequestEvent
    | HTTPDisconnectEvent
    | WebsocketConnectEvent
    | WebsocketReceiveEvent
    | WebsocketDisconnectEvent
    | LifespanStartupEvent
    | LifespanShutdownEvent
)

ASGISendEvent = (
    HTTPResponseStartEvent
    | HTTPResponseBodyEvent
    | HTTPResponseTrailersEvent
    | HTTPServerPushEvent
    | HTTPEarlyHintEvent
    | HTTPResponseZeroCopySendEvent
    | HTTPResponsePathsendEvent
    | HTTPResponseDebugEvent
    | WebsocketAcceptEvent
    | WebsocketSendEvent
    | WebsocketCloseEvent
    | WebsocketResponseStartEvent
    | WebsocketResponseBodyEvent
    | LifespanStartupCompleteEvent
    | LifespanStartupFailedEvent
    | LifespanShutdownCompleteEvent
    | LifespanShutdownFailedEvent
)

ASGIReceiveCallable = Callable[[], Awaitable[ASGIReceiveEvent]]
ASGISendCallable = Callable[[ASGISendEvent], Awaitable[None]]


# Applications

# Frameworks describe the same three arguments in types of their own: MutableMapping
# (Starlette, FastAPI), dict, or the TypedDicts of asgiref, of Litestar or of this module.
# Parameters are contravariant and TypedDicts are invariant in their keys, so no precise type
# admits more than one of these. What can be told without refusing a real application is how
# many arguments there are and what comes back.
ASGIFramework = Callable[[Any, Any, Any], Awaitable[None]]
"""An application: ``app(scope, receive, send)`` with :data:`Scope`,
:data:`ASGIReceiveCallable` and :data:`ASGISendCallable`."""

WSGIFramework = Callable[[Any, Any], Iterable[bytes]]
"""A PEP 3333 application: ``app(environ, start_response)``."""

Framework = ASGIFramework | WSGIFramework


class SyncSpawn(Protocol):
    """Runs a blocking function in a thread; ``asyncio.to_thread``, ``trio.to_thread.run_sync``."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]:
        """Run ``function(*args)`` in a thread and give its result, or raise what it raised.

        Awaited on the event loop, which goes on meanwhile. If the wait is cancelled the
        function may run on; nobody hears of its result then.
        """
        ...


class CallSoon(Protocol):
    """The way back from a thread to the event loop, ``trio.from_thread.run`` for example."""

    def __call__(self, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any) -> T:
        """Run ``await function(*args)`` on the event loop and block until it is done.

        Called only from a thread that the :class:`SyncSpawn` of the same request started,
        never from the loop's own (it would wait for itself). *function* is a coroutine
        function; its result is returned and what it raises is raised here.
        """
        ...


class AppWrapper(Protocol):
    """An application of any kind behind one signature; it runs for one scope."""

    async def __call__(
        self,
        scope: Scope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        sync_spawn: SyncSpawn,
        call_soon: CallSoon,
    ) -> None:
        """Run the application; raises what it raises.

        *sync_spawn* and *call_soon* let a blocking application run without an event loop of
        its own; an ASGI application needs neither.
        """
        ...


class ResponseSummary(TypedDict):
    """What an access log wants to know of a response."""

    status: int
    headers: Iterable[tuple[bytes, bytes]]
