"""A worker on a real event loop, in a thread of the test's process.

Knows: how each backend is run, stopped from another thread, and reached.
Must not know: what is served.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import Any

import trustme

from hypercorn_asgi.typing import AppWrapper
from hypercorn_protocols.negotiation import ALPN_PROTOCOLS
from hypercorn_workers import Listener, Observer, Worker, WorkerSettings
from tests.peer import TIMEOUT, Peer
from tests.workers.by_hand import App

BACKENDS = [name for name in ("asyncio", "uvloop", "trio") if find_spec(name) is not None]
"""Where uvloop has no wheels there is nothing to test."""


class Certificate:
    """A certificate for the server, and what a client needs to trust it: one that asks for no
    protocol, and one of HTTP/2."""

    def __init__(self) -> None:
        authority = trustme.CA()
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server.set_alpn_protocols(ALPN_PROTOCOLS)
        authority.issue_cert("127.0.0.1").configure_cert(self.server)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)
        self.http2_client = ssl.create_default_context()
        authority.configure_trust(self.http2_client)
        self.http2_client.set_alpn_protocols(["h2"])


def create_event(backend: str) -> tuple[Callable[[], Awaitable[object]], Callable[[], object]]:
    """Make an event of the running loop: how to wait for it, and how any thread sets it."""
    call = thread_caller(backend)
    if backend == "trio":
        import trio

        event = trio.Event()
        return event.wait, lambda: call(event.set)
    flag = asyncio.Event()
    return flag.wait, lambda: call(flag.set)


def thread_caller(backend: str) -> Callable[[Callable[[], object]], object]:
    """How any thread has the running loop call a function."""
    if backend == "trio":
        import trio

        return trio.lowlevel.current_trio_token().run_sync_soon
    return asyncio.get_running_loop().call_soon_threadsafe


def run(backend: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``main()`` in a new loop of the backend's."""
    importlib.import_module(f"hypercorn_workers.{backend}").run(main)


class Served:
    """An application that is served for as long as a ``with`` block lasts.

    Args:
        backend: the module of hypercorn_workers.
        app: the application.
        settings: the worker's.
        certificate: serve with TLS.
        observer: the worker's.
        sockets: what to listen on; closed by the worker. By default a port of 127.0.0.1.
    """

    def __init__(
        self,
        backend: str,
        app: App | AppWrapper,
        settings: WorkerSettings | None = None,
        certificate: Certificate | None = None,
        observer: Observer | None = None,
        sockets: Sequence[socket.socket] = (),
    ) -> None:
        self.addresses: list[str] = []
        self.error: BaseException | None = None
        self._backend = backend
        self._app = app
        self._settings = settings or WorkerSettings()
        self._certificate = certificate
        self._observer = observer
        self._sockets = sockets
        self._stop: Callable[[], object] = lambda: None
        self._call: Callable[[Callable[[], object]], object] = lambda function: None
        self._worker: Worker | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(TIMEOUT), "it does not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self.stop()
        self.join()
        if error is None and self.error is not None:
            raise self.error

    def stop(self) -> None:
        """Begin the shutdown."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._stop()

    def call(self, function: Callable[[Worker], object]) -> None:
        """Call a function with the worker, in the loop, and wait until that is done."""
        done = threading.Event()

        def call() -> None:
            assert self._worker is not None
            function(self._worker)
            done.set()

        self._call(call)
        assert done.wait(TIMEOUT), "it was not called"

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive(), "it does not end"

    def open(self, index: int = 0) -> socket.socket:
        """Connect to a listener; by TLS if that is spoken there."""
        host, _, port = self.addresses[index].rpartition("/")[2].partition(":")
        return self._encrypted(socket.create_connection((host, int(port)), TIMEOUT))

    def peer(self, sock: socket.socket) -> Peer:
        """Drive a connection by hand that somebody has made."""
        return Peer(self._encrypted(sock), "a")

    def _encrypted(self, sock: socket.socket) -> socket.socket:
        sock.settimeout(TIMEOUT)
        if self._certificate is None:
            return sock
        try:
            return self._certificate.client.wrap_socket(sock, server_hostname="127.0.0.1")
        except BaseException:
            sock.close()
            raise

    def connect(self, index: int = 0) -> Peer:
        """Connect a client that is driven by hand."""
        return Peer(self.open(index), "a")

    def _run(self) -> None:
        try:
            run(self._backend, self._serve)
        except BaseException as error:
            self.error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        backend = importlib.import_module(f"hypercorn_workers.{self._backend}")
        wait, self._stop = create_event(self._backend)
        self._call = thread_caller(self._backend)
        await backend.serve(
            self._app,
            self._open_listeners,
            self._settings,
            observer=self._observer,
            shutdown_trigger=wait,
            listening=self._listening,
            attach=self._attach,
        )

    def _open_listeners(self) -> list[Listener]:
        sockets = self._sockets or [socket.create_server(("127.0.0.1", 0))]
        tls = None if self._certificate is None else self._certificate.server
        return [Listener(sock, tls) for sock in sockets]

    def _attach(self, worker: Worker) -> None:
        self._worker = worker

    def _listening(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self._ready.set()
