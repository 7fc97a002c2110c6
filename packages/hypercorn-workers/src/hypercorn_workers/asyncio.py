"""The asyncio backend. uvloop's is the same on another loop.

Knows: asyncio's loops, transports and tasks.
Must not know: HTTP, or what a connection does with what it is told.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

from hypercorn_asgi.typing import AppWrapper, ASGIFramework
from hypercorn_workers.applications import bind_application
from hypercorn_workers.connection import Connection
from hypercorn_workers.port import Peer
from hypercorn_workers.settings import Listener, NullObserver, Observer, WorkerSettings
from hypercorn_workers.threads import DaemonThreads
from hypercorn_workers.tls import tls_extension
from hypercorn_workers.worker import Acceptor, Worker

__all__ = ["AsyncioRuntime", "AsyncioTransport", "ConnectionProtocol", "run", "run_on", "serve"]

T = TypeVar("T")


async def serve(
    app: ASGIFramework | AppWrapper,
    listeners: Callable[[], Sequence[Listener]],
    settings: WorkerSettings,
    *,
    observer: Observer | None = None,
    shutdown_trigger: Callable[..., Awaitable[object]],
    listening: Callable[[list[str]], object] = lambda addresses: None,
    attach: Callable[[Worker], object] = lambda worker: None,
) -> None:
    """Serve an application on the running loop until ``shutdown_trigger()`` returns.

    Args:
        app: an ASGI application, or a wrapper of hypercorn_asgi.
        listeners: called once the application has started up; what it returns is closed here.
        settings: how to serve.
        observer: who is told what happens.
        shutdown_trigger: called and awaited; its end begins the graceful shutdown. It may return
            an :class:`~hypercorn_workers.worker.Ending`.
        listening: called with the URLs of the listeners, which accept by then.
        attach: called with the worker before it starts, for who wants to control it.

    Raises:
        LifespanFailureError: the application said that it could not start or stop.
        LifespanTimeoutError: it said nothing in time.
        OSError: of ``listeners``, or no listening is possible.
    """
    runtime = AsyncioRuntime(asyncio.get_running_loop())
    worker = Worker(bind_application(app, runtime), runtime, settings, observer or NullObserver())
    attach(worker)

    async def accept(listener: Listener) -> Acceptor:
        return await _accept(runtime.loop, worker, listener)

    try:
        await worker.serve(listeners, accept, shutdown_trigger, listening)
    finally:
        runtime.close()


def run(main: Callable[[], Coroutine[Any, Any, None]], *, debug: bool = False) -> None:
    """Run ``main()`` to its end in a new asyncio loop."""
    run_on(asyncio.new_event_loop(), main, debug)


def run_on(
    loop: asyncio.AbstractEventLoop, main: Callable[[], Coroutine[Any, Any, None]], debug: bool
) -> None:
    """Run ``main()`` to its end on ``loop``, then close it.

    As :func:`asyncio.run`, but tasks that do not let themselves be cancelled are left behind
    rather than waited for."""
    try:
        asyncio.set_event_loop(loop)
        loop.set_debug(debug)
        loop.run_until_complete(main())
    finally:
        try:
            _cancel_what_is_left(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


# How long cancelled tasks may take to clean up once the server has ended, in seconds.
_CLEAN_UP = 1.0


def _cancel_what_is_left(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_CLEAN_UP))


class AsyncioRuntime:
    """A :class:`~hypercorn_workers.port.Runtime` on an asyncio loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.now = time.monotonic
        # Callbacks are at times scheduled from an application's task: its context is not theirs.
        self._context = contextvars.copy_context()
        self._threads = DaemonThreads()

    def close(self) -> None:
        """Give the threads back."""
        self._threads.shutdown()

    if sys.version_info >= (3, 12):

        def spawn(self, coroutine: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
            """Start a task at once: most applications answer without waiting for anything."""
            return asyncio.Task(
                coroutine, loop=self.loop, context=self._context.copy(), eager_start=True
            )

    elif sys.version_info >= (3, 11):

        def spawn(self, coroutine: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
            """Start a task on the loop's next turn."""
            return asyncio.Task(coroutine, loop=self.loop, context=self._context.copy())

    else:

        def spawn(self, coroutine: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
            """Start a task on the loop's next turn."""
            return self._context.copy().run(asyncio.Task, coroutine, loop=self.loop)

    def call_soon(self, callback: Callable[[], object], /) -> None:
        """Call back on the loop's next turn."""
        self.loop.call_soon(callback, context=self._context)

    def call_later(self, delay: float, callback: Callable[[], object], /) -> asyncio.TimerHandle:
        """Call back in ``delay`` seconds."""
        return self.loop.call_later(delay, callback, context=self._context)

    def create_wakeup(self) -> AsyncioWakeup:
        """A new wakeup."""
        return AsyncioWakeup(self.loop)

    async def run_in_thread(self, function: Callable[..., T], /, *args: Any) -> T:
        """Run a blocking function in a thread, in the caller's context."""
        context = contextvars.copy_context()
        return await self.loop.run_in_executor(self._threads, context.run, function, *args)

    def call_from_thread(
        self, function: Callable[..., Awaitable[T]] | Callable[..., T], /, *args: Any
    ) -> T:
        """Call a function in the loop from one of its threads and wait for its result."""
        future = asyncio.run_coroutine_threadsafe(_call(function, *args), self.loop)
        return cast(T, future.result())


async def _call(function: Callable[..., Any], *args: Any) -> Any:
    result = function(*args)
    return await result if inspect.isawaitable(result) else result


class AsyncioWakeup:
    """A :class:`~hypercorn_workers.port.Wakeup`: an Event that is never set for long.

    Args:
        loop: the loop that it belongs to.
    """

    __slots__ = ("_create_future", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._create_future = loop.create_future
        self._waiting: list[asyncio.Future[None]] = []

    def set(self) -> None:
        """Wake all that wait now."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def wait(self) -> asyncio.Future[None]:
        """Wait for the next ``set()``."""
        waiting = self._waiting
        if waiting:
            # Who gives up again and again must not leave anything behind.
            waiting[:] = [future for future in waiting if not future.done()]
        future = self._create_future()
        waiting.append(future)
        return future


class AsyncioTransport:
    """A :class:`~hypercorn_workers.port.Transport`: an asyncio transport in the port's words."""

    __slots__ = (
        "_transport",
        "buffered",
        "close",
        "pause_reading",
        "resume_reading",
        "write",
    )

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        # The words are the same but for one: no call is needed in between.
        self.write = transport.write
        self.close = transport.close
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.buffered = transport.get_write_buffer_size

    def half_close(self) -> bool:
        """End the output, if this is no TLS."""
        transport = self._transport
        if transport.is_closing() or not transport.can_write_eof():
            return False
        try:
            transport.write_eof()
        except OSError:
            return False  # the peer has left already
        return True

    def abort(self) -> None:
        """Reset the connection."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.family != getattr(socket, "AF_UNIX", None):
            _reset_on_close(sock)
        self._transport.abort()


def _reset_on_close(sock: Any) -> None:
    """Have the kernel send RST rather than FIN, which could pass for the end of an answer."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass  # the peer was faster: there is no connection left to reset


class ConnectionProtocol(asyncio.Protocol):
    """Tells a connection what asyncio tells it."""

    __slots__ = ("_connection", "_listener", "_transport", "_worker", "data_received")

    def __init__(self, worker: Worker, listener: Listener) -> None:
        self._worker = worker
        self._listener = listener
        self._connection: Connection | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The peer is connected, and the handshake done."""
        stream = cast(asyncio.Transport, transport)
        stream.set_write_buffer_limits(self._worker.settings.write_buffer)
        peer = _peer(stream, self._listener)
        connection = Connection(self._worker, AsyncioTransport(stream), peer)
        self._connection = connection
        self._transport = stream
        self.data_received = connection.data_received  # type: ignore[method-assign]
        stream.set_protocol(self)  # uvloop looks methods up only then

    def eof_received(self) -> bool:
        """Keep the transport open: what was asked is still to be answered."""
        if self._connection is not None:
            self._connection.eof_received()
        return self._listener.tls is None

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is closed."""
        if self._connection is not None:
            self._connection.connection_lost()
            self._connection = None
            self._transport.close()  # Python 3.10's TLS warns of transports that were not

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        if self._connection is not None:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The transport's buffer has room."""
        if self._connection is not None:
            self._connection.resume_writing()


def _peer(transport: asyncio.Transport, listener: Listener) -> Peer:
    tls = alpn = None
    if listener.tls is not None:
        ssl_object = transport.get_extra_info("ssl_object")
        tls = tls_extension(ssl_object, listener.tls, listener.server_cert)
        alpn = ssl_object.selected_alpn_protocol()
    server = transport.get_extra_info("sockname")
    if not isinstance(server, tuple):
        path = server.decode() if isinstance(server, bytes) else server
        return Peer(None, (path, None), tls, alpn)
    client = transport.get_extra_info("peername")
    return Peer(None if client is None else client[:2], server[:2], tls, alpn)


# How many peers are accepted before others get their turn.
_ACCEPTED_PER_TURN = 64
# How long to wait, in seconds, when there are no file descriptors left: until some are closed.
_ACCEPT_PAUSE = 0.1


class _Acceptor:
    """Accepts on one listener.

    Loops have servers of their own, but those lose peers that they have accepted and not yet told
    of when they are closed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, worker: Worker, listener: Listener
    ) -> None:
        self._loop = loop
        self._worker = worker
        self._listener = listener
        self._sock = listener.sock
        self._closed = False
        self._arriving: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept. Raises NotImplementedError on loops that cannot watch a socket."""
        self._sock.setblocking(False)
        self._sock.listen(self._worker.settings.backlog)
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more but those who wait; peers that were accepted are served."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._sock.fileno())
            self._accept(self._worker.taken_along)

    def _accept(self, most: int = _ACCEPTED_PER_TURN) -> None:
        for _ in range(most):
            try:
                sock, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue  # the peer has left already
            except OSError:
                if not self._closed:
                    self._pause()
                return
            self._worker.arriving += 1
            task = self._loop.create_task(self._arrive(sock))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    def _pause(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._loop.call_later(_ACCEPT_PAUSE, self._go_on)

    def _go_on(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    async def _arrive(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        options = _tls_options(self._worker.settings, self._listener)
        try:
            await self._loop.connect_accepted_socket(self.make_protocol, sock, **options)
        except OSError:  # with TLS and time-outs: the peer did not get as far as a connection
            sock.close()
        finally:
            self._worker.arrived()

    def make_protocol(self) -> ConnectionProtocol:
        """A protocol for a peer."""
        return ConnectionProtocol(self._worker, self._listener)


def _tls_options(settings: WorkerSettings, listener: Listener) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if listener.tls is not None:
        options["ssl"] = listener.tls
        options["ssl_handshake_timeout"] = settings.ssl_handshake_timeout
        if sys.version_info >= (3, 11):
            options["ssl_shutdown_timeout"] = settings.http1.linger_timeout
    return options


async def _accept(loop: asyncio.AbstractEventLoop, worker: Worker, listener: Listener) -> Acceptor:
    acceptor = _Acceptor(loop, worker, listener)
    try:
        acceptor.start()
    except NotImplementedError:  # Windows' proactor: the loop's own server has to do
        return await loop.create_server(
            acceptor.make_protocol,
            sock=listener.sock,
            backlog=worker.settings.backlog,
            **_tls_options(worker.settings, listener),
        )
    return acceptor
