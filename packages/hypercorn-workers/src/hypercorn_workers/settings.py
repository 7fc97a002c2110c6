"""What a worker is told: settings, listeners and the observer that it reports to.

Knows: the values that the core and the backends need, and nothing of where they came from.
Must not know: configuration files, command lines, log formats or processes.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Protocol

from hypercorn_asgi.ports import ServedResponse
from hypercorn_protocols.settings import HTTP1Settings, HTTP2Settings, WebSocketSettings

__all__ = ["Listener", "NullObserver", "Observer", "ServedResponse", "WorkerSettings"]


def _date(protocol: str) -> Sequence[tuple[bytes, bytes]]:
    # RFC 9110 section 6.6.1: a server that has a clock MUST send it
    return [(b"date", formatdate(usegmt=True).encode("ascii"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How one worker serves. Times are seconds, sizes bytes, rates bytes a second."""

    http1: HTTP1Settings = field(default_factory=HTTP1Settings)

    http2: HTTP2Settings = field(default_factory=HTTP2Settings)

    websocket: WebSocketSettings = field(default_factory=WebSocketSettings)

    root_path: str = ""
    """ASGI ``root_path``."""

    server_names: Sequence[str] = ()
    """Accepted values of Host (exact, with port if the value has one). Empty: any. Else 404."""

    startup_timeout: float = 60.0
    """For ``lifespan.startup``; exceeding it ends the worker with LifespanTimeoutError."""

    shutdown_timeout: float = 60.0
    """For ``lifespan.shutdown``."""

    graceful_timeout: float = 3.0
    """How long open requests may go on once shutdown began; then they are cancelled."""

    drain_delay: float = 0.0
    """For how long the server still accepts, and says that it is not ready, once it was told to
    stop: the time that load balancers need to notice."""

    readiness_path: str | None = None
    """Where the worker itself answers 200, or 503 once it is to stop."""

    ssl_handshake_timeout: float = 60.0

    backlog: int = 4096

    write_idle_timeout: float | None = 30.0
    """How long the peer may take nothing of what waits to be sent to it."""

    write_min_rate: int = 240
    """Slowest average at which a peer may take its answer, after ``http1.rate_grace``. 0: any."""

    write_buffer: int = 65_536
    """What may wait for the peer before the application's ``send`` waits: on the connection, and
    in each stream of HTTP/2 for its window."""

    max_requests: int | None = None
    """After how many requests the worker shuts down gracefully. None: never."""

    response_headers: Callable[[str], Sequence[tuple[bytes, bytes]]] = _date
    """Called with ``"h11"``, ``"h2"`` or ``"h3"`` at most once a second: the fields that every
    response gets unless the application sent one of that name (Date, Server, Alt-Svc)."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket of type SOCK_STREAM. Whoever serves it listens on it and closes it."""

    sock: socket.socket
    tls: ssl.SSLContext | None = None
    server_cert: str | None = None
    """The certificate in PEM form, for the ASGI ``tls`` extension."""


class Observer(Protocol):
    """What a worker reports. The methods are awaited where the event happened: they may wait,
    but a slow one slows the request that it is told of."""

    observes_requests: bool
    """Whether :meth:`request_finished` is wanted; read once, at start."""

    async def request_finished(
        self, scope: Any, response: ServedResponse | None, duration: float
    ) -> None:
        """A request was answered, or (``response`` None) left without any answer.

        ``scope`` is the ASGI scope, ``duration`` the seconds from the request's head to the end
        of the answer."""

    async def application_failed(self, scope: Any, error: BaseException) -> None:
        """The application raised. For ``lifespan`` scopes this is not reported here."""

    async def lifespan_unsupported(self, error: BaseException) -> None:
        """The application raised before ``lifespan.startup.complete``: served without it."""

    async def listening(self, addresses: Sequence[str]) -> None:
        """All listeners accept: URLs such as ``http://127.0.0.1:8000``, in listener order."""

    async def warn(self, message: str) -> None:
        """Something that the operator should know of, in one line."""


class NullObserver:
    """Reports nothing. Base class for observers that want only some reports."""

    observes_requests = False

    async def request_finished(
        self, scope: Any, response: ServedResponse | None, duration: float
    ) -> None:
        return None

    async def application_failed(self, scope: Any, error: BaseException) -> None:
        return None

    async def lifespan_unsupported(self, error: BaseException) -> None:
        return None

    async def listening(self, addresses: Sequence[str]) -> None:
        return None

    async def warn(self, message: str) -> None:
        return None
