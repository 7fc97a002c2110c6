"""One worker: an application, its lifespan, its listeners and connections, and how it ends.

Knows: the order of a worker's life, and what its connections have in common.
Must not know: event loops, or what is said on a connection.

The end is one story for everything that is served. First, if there is a ``drain_delay``, the
worker accepts on but says that it is not ready any more. The rest takes ``graceful_timeout`` at
the most: stop accepting, let connections finish what they began, tell applications whose answers
would never end; when most of the time has gone tell all applications, then cancel them, then
close.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum, auto
from math import inf
from typing import Protocol

from hypercorn_asgi.errors import LifespanTimeoutError
from hypercorn_asgi.exchange import Exchange
from hypercorn_asgi.lifespan import Lifespan, LifespanStage
from hypercorn_asgi.typing import ASGIFramework
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.negotiation import Negotiator
from hypercorn_protocols.websocket import MessageMemory
from hypercorn_workers.connection import Connection
from hypercorn_workers.port import Cancellable, Runtime
from hypercorn_workers.settings import Listener, Observer, WorkerSettings

__all__ = ["Accept", "Acceptor", "Ending", "Worker", "url"]

# RFC 6455 section 7.4.1 and its registry: what WebSockets are told when the worker ends.
_GOING_AWAY = 1001
_SERVICE_RESTART = 1012

# Shares of graceful_timeout: when applications are told, and when they are cancelled.
_TELL_AFTER = 0.8
_CANCEL_AFTER = 0.95

_TAKEN_ALONG = 64


class Ending(Enum):
    """Why a worker ends, and with it how."""

    STOPPED = auto()
    """The server ends: after ``drain_delay``, and idle connections are closed at once."""
    REPLACED = auto()
    """Another worker serves in its place. Nobody is in a hurry: who has an idle connection may
    still send a request on it, and is told with the answer that it was the last."""
    OUTDATED = auto()
    """Another worker serves newer code: everybody is to go there at once."""


class Acceptor(Protocol):
    """Something that accepts connections."""

    def close(self) -> None:
        """Accept no more."""


Ended = Callable[[Exchange], object]

Accept = Callable[[Listener], Awaitable[Acceptor]]
"""Begins to accept on a listener, making a Connection for each peer."""


class Worker:
    """Serves one application on one event loop.

    Args:
        app: the application.
        runtime: the event loop.
        settings: how it is served.
        observer: who is told what happens.
    """

    def __init__(
        self, app: ASGIFramework, runtime: Runtime, settings: WorkerSettings, observer: Observer
    ) -> None:
        self.app = app
        self.runtime = runtime
        self.settings = settings
        self.observer = observer
        self.observes_requests = observer.observes_requests
        self.connections: set[Connection] = set()
        self.arriving = 0
        """How many peers have been accepted that have no connection yet."""
        self.taken_along = _TAKEN_ALONG
        """How many of those who wait to be accepted an acceptor takes when it is closed. They
        believe that they are connected, and would be reset unless others accept them."""
        self.stopping = False
        self.patience = 0.0
        """For how long, once :attr:`stopping`, a client may still send a request on an idle
        connection, in seconds."""
        self._http1_defaults = DefaultHeaders()
        self._http2_defaults = DefaultHeaders()
        self.defaults_expire_at = -inf
        self.negotiator = Negotiator(
            settings.http1, settings.http2, self._http1_defaults, self._http2_defaults
        )
        self.messages = MessageMemory()
        """The frames of what was sent last, for whoever sends the same to many WebSockets."""
        self.going_away_code = _GOING_AWAY
        """What WebSockets are closed with at the end."""
        self.exhausted: Callable[[], object] | None = None
        """Called once after ``max_requests``, by whoever sees to a successor and ends this worker
        then. None: the worker ends by itself."""
        self._delay = 0.0
        self._is_ready = False
        self.answers_some = bool(settings.server_names) or settings.readiness_path is not None
        """Whether :meth:`own_answer` has to be asked."""
        self._have_written: list[Connection] = []
        self._changed = runtime.create_wakeup()
        self._ending = False
        self._accept: Accept | None = None
        self._adopted: dict[int, _Adopted] = {}
        self._lifespan = Lifespan(app, self._changed)
        self.lifespan_state = self._lifespan.state
        self._exchanges: set[Exchange] = set()
        # Until the end is waited for, nothing faster does.
        self._forget_exchange: Ended = self._exchanges.discard
        self._spawn = runtime.spawn
        self._requests = 0
        self._max_requests = inf if settings.max_requests is None else settings.max_requests
        self._awaiting_trigger = False
        self._trigger_error: BaseException | None = None

    # What connections ask for.

    def run(self, exchange: Exchange, ended: Ended | None = None) -> None:
        """Run the application for an exchange.

        ``ended`` is called at its end, if given, and has to call :meth:`exchange_ended`."""
        self._exchanges.add(exchange)
        self._requests += 1
        exchange.ended = ended or self._forget_exchange
        exchange.task = self._spawn(exchange.run(self.app))
        if self._requests >= self._max_requests:
            self._max_requests = inf
            if self.exhausted is None:
                self.begin_shutdown(Ending.REPLACED)
            else:
                self.exhausted()

    def exchange_ended(self, exchange: Exchange) -> None:
        """The application has ended."""
        self._exchanges.discard(exchange)
        if self.stopping:
            self._changed.set()

    def connection_closed(self, connection: Connection) -> None:
        """A connection is over."""
        self.connections.discard(connection)
        if self.stopping:
            self._changed.set()

    def has_written(self, connection: Connection) -> None:
        """Tell a connection when the present turn of the loop has ended."""
        if not self._have_written:
            self.runtime.call_soon(self._end_turn)
        self._have_written.append(connection)

    def _end_turn(self) -> None:
        have_written, self._have_written = self._have_written, []
        for connection in have_written:
            connection.turn_over()

    def arrived(self) -> None:
        """A peer that was arriving has a connection now, or has gone."""
        self.arriving -= 1
        if self.stopping:
            self._changed.set()

    def own_answer(self, request: RequestReceived) -> int | None:
        """The status of what the worker answers itself; None leaves it to the application.

        Probes come first, as they ask by address: ``server_names`` are not theirs."""
        path = self.settings.readiness_path
        if path is not None and request.target.partition(b"?")[0] == path.encode("ascii"):
            return 200 if self._is_ready else 503
        return None if not self.settings.server_names or self._serves(request.headers) else 404

    def _serves(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        host = next((value for name, value in headers if name.lower() == b"host"), b"")
        return host.decode("ascii", "replace") in self.settings.server_names

    def renew_defaults(self, now: float) -> None:
        """Make the fields that every response gets anew: Date has a resolution of a second."""
        self._http1_defaults.set(self.settings.response_headers("h11"))
        self._http2_defaults.set(self.settings.response_headers("h2"))
        self.defaults_expire_at = now + 1 - now % 1

    # A worker's life.

    async def serve(
        self,
        open_listeners: Callable[[], Sequence[Listener]],
        accept: Accept,
        shutdown_trigger: Callable[..., Awaitable[object]],
        listening: Callable[[list[str]], object],
    ) -> None:
        """Serve until ``shutdown_trigger()`` returns or raises; what it raises is raised.

        It may return an :class:`Ending`; anything else means STOPPED.

        Raises:
            LifespanFailureError: the application said that it could not start or stop.
            LifespanTimeoutError: it said nothing in time.
            OSError: of ``open_listeners`` or ``accept``.
        """
        self._accept = accept
        tasks = [self.runtime.spawn(self._lifespan.run(self.runtime.create_wakeup()))]
        listeners: Sequence[Listener] = ()
        acceptors: list[Acceptor] = []
        try:
            await self._startup()
            listeners = open_listeners()
            for listener in listeners:
                acceptor = await accept(listener)
                acceptors.append(acceptor)
            tasks.append(self.runtime.spawn(self._await_trigger(shutdown_trigger)))
            # Whoever is told where this listens may say at once that it is to stop.
            await self._wait_until(lambda: self._awaiting_trigger, inf)
            addresses = [url(listener) for listener in listeners]
            self._is_ready = not self._ending
            await self.observer.listening(addresses)
            listening(addresses)
            await self._wait_until(lambda: self._ending, inf)
            await self._wait_until(lambda: self.stopping, self._delay)
            self.stopping = True
            _close(acceptors, listeners)
            self._close_adopted()
            await self._drain()
            await self._shutdown()
        finally:
            _close(acceptors, listeners)
            self._close_adopted()
            self._end(tasks)
        if self._trigger_error is not None:
            raise self._trigger_error

    def begin_shutdown(self, ending: Ending = Ending.STOPPED) -> None:
        """Stop serving, gracefully. If that has begun, idle connections are waited for no more."""
        if ending is Ending.STOPPED:
            self._is_ready = False  # or another worker is, and whoever asks means the server
        if self._ending:
            self._lose_patience()
            return
        self._ending = True
        if ending is not Ending.REPLACED or self.exhausted is None:
            # Nobody else may be there: a worker whose supervisor has died is outdated, too.
            self.taken_along = self.settings.backlog
        if ending is Ending.STOPPED:
            self._delay = self.settings.drain_delay
        else:
            self.going_away_code = _SERVICE_RESTART
            self.stopping = True
        if ending is Ending.REPLACED:
            self.patience = self.settings.graceful_timeout * _TELL_AFTER
        self._changed.set()

    def _lose_patience(self) -> None:
        if self.patience:
            self.patience = 0.0
            for connection in list(self.connections):
                connection.shutdown()

    def adopt(self, key: int, listeners: Sequence[Listener]) -> None:
        """Accept from other listeners as well, until told to :meth:`release` them; they are closed
        here. ``key`` names them."""
        self.release(key)
        adopted = self._adopted[key] = _Adopted(listeners)
        if self._ending or self._accept is None:
            self.release(key)
        else:
            adopted.task = self.runtime.spawn(adopted.open(self._accept))

    def release(self, key: int) -> None:
        """Accept no more from what was adopted under this key; nothing if there is none."""
        adopted = self._adopted.pop(key, None)
        if adopted is not None:
            adopted.close()

    def _close_adopted(self) -> None:
        for key in list(self._adopted):
            self.release(key)

    async def _await_trigger(self, trigger: Callable[..., Awaitable[object]]) -> None:
        self._awaiting_trigger = True
        self._changed.set()
        ending: object = None
        try:
            ending = await trigger()
        except Exception as error:
            self._trigger_error = error
        finally:
            self.begin_shutdown(ending if isinstance(ending, Ending) else Ending.STOPPED)

    async def _startup(self) -> None:
        lifespan = self._lifespan
        answered = await self._wait_until(
            lambda: lifespan.stage is not LifespanStage.STARTING, self.settings.startup_timeout
        )
        if not answered:
            raise LifespanTimeoutError("startup")
        if lifespan.failure is not None:
            raise lifespan.failure
        if lifespan.error is not None:
            await self.observer.lifespan_unsupported(lifespan.error)

    async def _shutdown(self) -> None:
        lifespan = self._lifespan
        lifespan.begin_shutdown()
        answered = await self._wait_until(
            lambda: lifespan.stage is not LifespanStage.STOPPING, self.settings.shutdown_timeout
        )
        if not answered:
            raise LifespanTimeoutError("shutdown")
        if lifespan.failure is not None:
            raise lifespan.failure

    async def _drain(self) -> None:
        """Let open requests end, and see to it that they do."""
        grace = self.settings.graceful_timeout
        began_at = self.runtime.now()
        for exchange in self._exchanges:
            if exchange.ended is self._forget_exchange:
                exchange.ended = self.exchange_ended
        self._forget_exchange = self.exchange_ended
        for connection in list(self.connections):
            connection.shutdown(self.patience)
            connection.disconnect_applications(endless_only=True)
        if await self._wait_idle(began_at + grace * _TELL_AFTER):
            return
        for connection in list(self.connections):
            connection.disconnect_applications(endless_only=False)
        if await self._wait_idle(began_at + grace * _CANCEL_AFTER):
            return
        self._cancel_exchanges()
        await self._wait_idle(began_at + grace)

    async def _wait_idle(self, until: float) -> bool:
        return await self._wait_until(
            lambda: not (self.connections or self._exchanges or self.arriving),
            until - self.runtime.now(),
        )

    async def _wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition that :attr:`_changed` tells of; return whether it holds."""
        deadline = self.runtime.now() + seconds
        while not condition():
            left = deadline - self.runtime.now()
            if left <= 0:
                return False
            # Anew each time: some loops are a little early.
            timer = None if left == inf else self.runtime.call_later(left, self._changed.set)
            try:
                await self._changed.wait()
            finally:
                if timer is not None:
                    timer.cancel()
        return True

    def _cancel_exchanges(self) -> None:
        for exchange in list(self._exchanges):
            exchange.task.cancel()

    def _end(self, tasks: Iterable[Cancellable]) -> None:
        """Leave nothing running, whatever happened."""
        self.stopping = True
        self._cancel_exchanges()
        for task in tasks:
            task.cancel()
        for connection in list(self.connections):
            connection.abort()


class _Adopted:
    """Listeners that another worker has left, and who accepts from them here."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners
        self._acceptors: list[Acceptor] = []
        self._closed = False
        self.task: Cancellable | None = None

    async def open(self, accept: Accept) -> None:
        """Begin to accept."""
        for listener in self._listeners:
            if not self._closed:
                with contextlib.suppress(OSError):
                    self._acceptors.append(await accept(listener))
        if self._closed:
            _close(self._acceptors, ())

    def close(self) -> None:
        """Accept no more, and close the listeners in this process."""
        self._closed = True
        _close(self._acceptors, self._listeners)


def url(listener: Listener) -> str:
    """What to type into a browser to reach a listener."""
    scheme = "http" if listener.tls is None else "https"
    address = listener.sock.getsockname()
    if listener.sock.family in (socket.AF_INET, socket.AF_INET6):
        host = f"[{address[0]}]" if listener.sock.family == socket.AF_INET6 else address[0]
        return f"{scheme}://{host}:{address[1]}"
    path = address.decode() if isinstance(address, bytes) else address
    return f"{scheme}://unix:{path}"


def _close(acceptors: Iterable[Acceptor], listeners: Iterable[Listener]) -> None:
    for acceptor in acceptors:
        acceptor.close()
    for listener in listeners:
        listener.sock.close()
