"""The trio backend.

Knows: trio's nurseries, streams and clocks.
Must not know: HTTP, or what a connection does with what it is told.

Applications, connections and timers live in one nursery; :func:`serve` returns when all of them
have ended. A connection has two tasks, one that reads and one that writes what could not be
written at once.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import inspect
import logging
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import count
from math import inf
from typing import Any, TypeVar, cast

import trio

from hypercorn_asgi.typing import AppWrapper, ASGIFramework
from hypercorn_workers.applications import bind_application
from hypercorn_workers.connection import Connection
from hypercorn_workers.port import Peer
from hypercorn_workers.settings import Listener, NullObserver, Observer, WorkerSettings
from hypercorn_workers.tls import tls_extension
from hypercorn_workers.worker import Worker

__all__ = ["TrioRuntime", "TrioTransport", "run", "serve"]

T = TypeVar("T")

_READ_SIZE = 65_536
# How many turns of the loop a new connection needs at the most until it has got what waits for it:
# its reading task starts, receives, and goes on after a checkpoint.
_TURNS_OF_READING = 3

_logger = logging.getLogger(__name__)


async def serve(
    app: ASGIFramework | AppWrapper,
    listeners: Callable[[], Sequence[Listener]],
    settings: WorkerSettings,
    *,
    observer: Observer | None = None,
    shutdown_trigger: Callable[..., Awaitable[object]],
    listening: Callable[[list[str]], object] = lambda addresses: None,
    attach: Callable[[Worker], object] = lambda worker: None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve an application until ``shutdown_trigger()`` returns.

    As :func:`hypercorn_workers.asyncio.serve`; ``nursery.start(serve, …)`` returns the URLs of the
    listeners.
    """

    def started(addresses: list[str]) -> None:
        listening(addresses)
        task_status.started(addresses)

    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        runtime = TrioRuntime(nursery)
        nursery.start_soon(runtime.run_timers)
        worker = Worker(
            bind_application(app, runtime), runtime, settings, observer or NullObserver()
        )
        attach(worker)

        async def accept(listener: Listener) -> _Acceptor:
            acceptor = _Acceptor(nursery, worker, listener)
            acceptor.start()
            return acceptor

        try:
            await worker.serve(listeners, accept, shutdown_trigger, started)
        except trio.Cancelled:
            raise
        except BaseException as error:
            failure = error  # raised below, where no nursery wraps it in a group
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def run(main: Callable[[], Coroutine[Any, Any, None]], *, debug: bool = False) -> None:
    """Run ``main()`` to its end in a new trio loop. Trio has no debug mode: it always checks."""
    trio.run(main)


class TrioRuntime:
    """A :class:`~hypercorn_workers.port.Runtime` in a nursery.

    Args:
        nursery: where everything runs; :meth:`run_timers` has to run there, too.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._token = trio.lowlevel.current_trio_token()
        self.now = trio.current_time
        self._soon: list[Callable[[], object]] = []
        self._timers: list[tuple[float, int, _Timer]] = []
        self._order = count()
        self._timers_changed = trio.Event()

    def spawn(self, coroutine: Coroutine[Any, Any, None], /) -> trio.CancelScope:
        """Start a task; it runs when the loop comes to it."""
        scope = trio.CancelScope()
        self._nursery.start_soon(_run_within, scope, coroutine)
        return scope

    def call_soon(self, callback: Callable[[], object], /) -> None:
        """Call back on the loop's next turn."""
        self._soon.append(callback)
        self._timers_changed.set()

    def call_later(self, delay: float, callback: Callable[[], object], /) -> _Timer:
        """Call back in ``delay`` seconds."""
        timer = _Timer(callback)
        at = self.now() + delay
        if not self._timers or at < self._timers[0][0]:
            self._timers_changed.set()
        heapq.heappush(self._timers, (at, next(self._order), timer))
        return timer

    def create_wakeup(self) -> TrioWakeup:
        """A new wakeup."""
        return TrioWakeup()

    async def run_in_thread(self, function: Callable[..., T], /, *args: Any) -> T:
        """Run a blocking function in a thread; one that is cancelled is left to itself."""
        return await trio.to_thread.run_sync(function, *args, abandon_on_cancel=True)

    def call_from_thread(
        self, function: Callable[..., Awaitable[T]] | Callable[..., T], /, *args: Any
    ) -> T:
        """Call a function in the loop from one of its threads and wait for its result."""
        call = functools.partial(_call, function, *args)
        return cast(T, trio.from_thread.run(call, trio_token=self._token))

    async def run_timers(self) -> None:
        """Call back whom :meth:`call_soon` and :meth:`call_later` promised it, until cancelled."""
        while True:
            now = self.now()
            if self._is_due(now):
                await self._let_others_read()
            self._call_soon_callbacks()
            while self._is_due(now):
                timer = heapq.heappop(self._timers)[2]
                if timer.callback is not None:
                    _call_back(timer.callback)
            self._timers_changed = trio.Event()
            if self._soon:
                self._timers_changed.set()
            with trio.move_on_at(self._timers[0][0] if self._timers else inf):
                await self._timers_changed.wait()

    def _is_due(self, now: float) -> bool:
        return bool(self._timers) and self._timers[0][0] <= now

    async def _let_others_read(self) -> None:
        """Let tasks that have input get it to their connections. A loop that was held up comes to
        a deadline and to the input that would have met it at the same time; other loops have
        input first, trio has no order."""
        for _ in range(_TURNS_OF_READING):
            await trio.lowlevel.checkpoint()
            self._call_soon_callbacks()

    def _call_soon_callbacks(self) -> None:
        callbacks, self._soon = self._soon, []
        for callback in callbacks:
            _call_back(callback)


class _Timer:
    """A callback that is due; cancelling it forgets it."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Do not call back."""
        self.callback = None


def _call_back(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:  # as other loops do: it must not end everything else
        _logger.exception("A callback failed")


async def _run_within(scope: trio.CancelScope, coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        with scope:
            await coroutine
    except Exception:
        # An observer's own: it must not take the other requests with it.
        _logger.exception("A task failed")


async def _call(function: Callable[..., Any], *args: Any) -> Any:
    result = function(*args)
    return await result if inspect.isawaitable(result) else result


class TrioWakeup:
    """A :class:`~hypercorn_workers.port.Wakeup`."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = trio.Event()

    def set(self) -> None:
        """Wake all that wait now."""
        self._event.set()

    async def wait(self) -> None:
        """Wait for the next :meth:`set`."""
        if self._event.is_set():
            self._event = trio.Event()
        await self._event.wait()


class TrioTransport:
    """A :class:`~hypercorn_workers.port.Transport`: a trio stream and what waits for it.

    Args:
        stream: what is written to.
        sock: the socket below it; None if it must not be written to directly, as with TLS.
        high_water: how many bytes may wait before the connection is told to pause.
    """

    def __init__(
        self, stream: trio.abc.Stream, sock: socket.socket | None, high_water: int
    ) -> None:
        self._stream = stream
        self._sock = sock
        self._high_water = high_water
        self._waiting: list[bytes] = []
        self._waiting_size = 0  # with what the writing task is sending at this moment
        self._changed = TrioWakeup()
        self._may_read = True
        self._closing = False
        self._half_closing = False
        self._paused = False
        self.aborted = False
        self.connection: Connection | None = None
        """Whom to tell of congestion; set once it exists."""
        self.scope = trio.CancelScope()
        """Of both tasks: cancelled when the transport is closed."""

    # The port.

    def write(self, data: bytes, /) -> None:
        """Send what the socket takes at once, keep the rest."""
        if not self._waiting_size and self._sock is not None:
            try:
                sent = self._sock.send(data)
            except OSError:
                sent = 0  # full, or gone: the writing task finds out
            if sent == len(data):
                return
            data = data[sent:]
        self._waiting.append(data)
        self._waiting_size += len(data)
        self._changed.set()
        if self._waiting_size > self._high_water and not self._paused:
            self._paused = True
            if self.connection is not None:
                self.connection.pause_writing()

    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return self._waiting_size

    def pause_reading(self) -> None:
        """Stop reading, but for what is being read at this moment."""
        self._may_read = False

    def resume_reading(self) -> None:
        """Read again."""
        self._may_read = True
        self._changed.set()

    def half_close(self) -> bool:
        """End the output, if this is no TLS."""
        if self._sock is None or self._closing:
            return False
        self._half_closing = True
        self._changed.set()
        return True

    def close(self) -> None:
        """Send what waits, then close."""
        self._closing = True
        self._changed.set()

    def abort(self) -> None:
        """Close at once; whoever closes the socket resets the connection."""
        self.aborted = True
        self.scope.cancel()

    # The tasks.

    async def read(self) -> None:
        """Hand what comes to the connection, until the peer or the transport is done."""
        connection = self.connection
        assert connection is not None
        while True:
            while not self._may_read:
                await self._changed.wait()
            data = await self._stream.receive_some(_READ_SIZE)
            if not data:
                break
            connection.data_received(bytes(data))
        connection.eof_received()
        if self._sock is None:
            self.close()  # TLS: the peer has closed both directions
        await trio.sleep_forever()  # until what it asked for is answered and sent

    async def write_waiting(self) -> None:
        """Send what waits whenever something does; return once the transport is closed."""
        while True:
            while self._waiting:
                data = b"".join(self._waiting)
                self._waiting.clear()
                await self._send_all(data)
                self._resume_if_drained()
            if self._closing:
                return
            if self._half_closing:
                self._half_closing = False
                await self._end_output()
            await self._wait_for_work()

    async def _wait_for_work(self) -> None:
        while not self._waiting and not self._closing and not self._half_closing:
            await self._changed.wait()

    async def close_tls(self, seconds: float) -> None:
        """Tell the peer that nothing was cut off, if this is TLS and if it listens."""
        stream = self._stream
        if isinstance(stream, trio.SSLStream):
            stream.transport_stream = _LingeringStream(stream.transport_stream)
            with trio.move_on_after(seconds):
                await stream.aclose()

    async def _send_all(self, data: bytes) -> None:
        view = memoryview(data)
        # In pieces, so that what still waits is known while a slow peer takes it.
        for at in range(0, len(view), _READ_SIZE):
            piece = view[at : at + _READ_SIZE]
            await self._stream.send_all(piece)
            self._waiting_size -= len(piece)

    async def _end_output(self) -> None:
        stream = self._stream
        if isinstance(stream, trio.abc.HalfCloseableStream):
            await stream.send_eof()

    def _resume_if_drained(self) -> None:
        if self._paused and self._waiting_size <= self._high_water // 4:
            self._paused = False
            if self.connection is not None:
                self.connection.resume_writing()


class _LingeringStream(trio.abc.Stream):
    """A socket's stream whose closing is seen by the peer but destroys nothing: what the peer
    still sends is read away, for it might provoke a reset (RFC 9112 section 9.6)."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As the socket's."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the socket's."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As the socket's."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """End the output and wait for the peer to do the same; the socket stays open."""
        with contextlib.suppress(trio.BrokenResourceError):
            await self._stream.send_eof()
            while await self._stream.receive_some(_READ_SIZE):
                pass


class _Acceptor:
    """Accepts on one listener until it is closed."""

    def __init__(self, nursery: trio.Nursery, worker: Worker, listener: Listener) -> None:
        self._nursery = nursery
        self._worker = worker
        self._listener = listener
        self._sock = listener.sock
        self._scope = trio.CancelScope()

    def start(self) -> None:
        """Begin to accept."""
        self._sock.setblocking(False)
        self._sock.listen(self._worker.settings.backlog)
        self._nursery.start_soon(self._accept)

    def close(self) -> None:
        """Accept no more but those who wait; peers that were accepted are served."""
        if not self._scope.cancel_called:
            self._scope.cancel()
            trio.lowlevel.notify_closing(self._sock)
            self._accept_waiting()

    async def _accept(self) -> None:
        with self._scope:
            while True:
                sock = await _accept_one(self._sock)
                if sock is None:
                    return
                self._serve(sock)

    def _accept_waiting(self) -> None:
        for _ in range(self._worker.taken_along):
            try:
                sock, _address = self._sock.accept()
            except ConnectionError:
                continue  # the peer has left already
            except OSError:
                return
            self._serve(sock)

    def _serve(self, sock: socket.socket) -> None:
        self._worker.arriving += 1
        self._nursery.start_soon(_serve_socket, self._worker, self._listener, sock)


# What accept() may fail with because of the one peer, or of a limit that others will free.
_ACCEPT_PAUSE = 0.1


async def _accept_one(sock: socket.socket) -> socket.socket | None:
    """Accept a connection; None once the listener is closed."""
    while True:
        await trio.lowlevel.checkpoint()
        try:
            return sock.accept()[0]
        except (BlockingIOError, InterruptedError):
            try:
                await trio.lowlevel.wait_readable(sock)
            except trio.ClosedResourceError:
                return None
        except ConnectionError:
            pass  # the peer has left already
        except OSError:
            await trio.sleep(_ACCEPT_PAUSE)  # out of file descriptors: until some are closed


async def _serve_socket(worker: Worker, listener: Listener, sock: socket.socket) -> None:
    """Serve one peer; its failures end nothing but its connection."""
    plain = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
    try:
        transport = await _arrive(worker, listener, sock, plain)
        if transport is None or transport.connection is None:
            return
        try:
            await _transfer(transport)
        finally:
            transport.connection.connection_lost()
            transport.connection = None
        if transport.aborted:
            _reset_on_close(sock)
        else:
            await transport.close_tls(worker.settings.http1.linger_timeout)
    except OSError:
        pass  # the peer has left
    except Exception:
        _logger.exception("A connection failed")
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(plain)


async def _arrive(
    worker: Worker, listener: Listener, sock: socket.socket, plain: trio.SocketStream
) -> TrioTransport | None:
    """Make a connection of an accepted socket; None if its peer does not get as far."""
    try:
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = await _handshake(worker, listener, plain)
        if stream is None:
            return None
        direct = sock if listener.tls is None else None
        transport = TrioTransport(stream, direct, worker.settings.write_buffer)
        transport.connection = Connection(worker, transport, _peer(sock, stream, listener))
        return transport
    finally:
        worker.arrived()


async def _transfer(transport: TrioTransport) -> None:
    """Read and write until the transport is closed or broken."""
    try:
        with transport.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(transport.read)
                await transport.write_waiting()
                nursery.cancel_scope.cancel()
    except BaseException as error:
        if not _is_broken_stream(error):
            raise


def _is_broken_stream(error: BaseException) -> bool:
    nested = getattr(error, "exceptions", None)
    if nested is not None:
        return all(_is_broken_stream(each) for each in nested)
    return isinstance(error, (trio.BrokenResourceError, trio.ClosedResourceError, OSError))


async def _handshake(
    worker: Worker, listener: Listener, plain: trio.SocketStream
) -> trio.abc.Stream | None:
    """Encrypt the stream, if the listener asks for it; None if that fails."""
    if listener.tls is None:
        return plain
    stream = trio.SSLStream(plain, listener.tls, server_side=True, https_compatible=True)
    with trio.move_on_after(worker.settings.ssl_handshake_timeout):
        try:
            await stream.do_handshake()
        except (trio.BrokenResourceError, ssl.SSLError):
            return None
        return stream
    return None


def _reset_on_close(sock: socket.socket) -> None:
    """Have the kernel send RST rather than FIN, which could pass for the end of an answer."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _peer(sock: socket.socket, stream: trio.abc.Stream, listener: Listener) -> Peer:
    tls = alpn = None
    if isinstance(stream, trio.SSLStream) and listener.tls is not None:
        tls = tls_extension(stream, listener.tls, listener.server_cert)
        alpn = stream.selected_alpn_protocol()
    server = sock.getsockname()
    if not isinstance(server, tuple):
        path = server.decode() if isinstance(server, bytes) else server
        return Peer(None, (path, None), tls, alpn)
    client = sock.getpeername()
    return Peer(client[:2], server[:2], tls, alpn)
