"""The real server: ``python -m hypercorn`` in a process of its own, and the way to it.

Knows: how it is started, where it listens, what it logs and how it ends.
Must not know: what is asked of it.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import trustme

from tests.peer import TIMEOUT, Peer

ROOT = Path(__file__).resolve().parents[2]
APP = "tests.integration.apps.inspecting:app"
WORKER_CLASSES = [name for name in ("asyncio", "uvloop", "trio") if find_spec(name) is not None]
"""Where uvloop has no wheels there is nothing to test."""

_RUNNING = "Running on "


class Certificates:
    """An authority, a certificate of its for the server and one for a client, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        server = authority.issue_cert("localhost", "127.0.0.1")
        client = authority.issue_cert("client@example.org", common_name="A Client, Inc.")
        self.authority = str(folder / "authority.pem")
        self.certificate = str(folder / "certificate.pem")
        self.key = str(folder / "key.pem")
        self.client = str(folder / "client.pem")
        authority.cert_pem.write_to_path(self.authority)
        for blob in server.cert_chain_pems:
            blob.write_to_path(self.certificate, append=True)
        server.private_key_pem.write_to_path(self.key)
        client.private_key_and_cert_chain_pem.write_to_path(self.client)
        self.client_context = ssl.create_default_context(cafile=self.authority)

    def context_with_client_certificate(self) -> ssl.SSLContext:
        """Make a context for a client that shows its certificate."""
        context = ssl.create_default_context(cafile=self.authority)
        context.load_cert_chain(self.client)
        return context

    @property
    def options(self) -> list[str]:
        """The server's options to use them."""
        return ["--certfile", self.certificate, "--keyfile", self.key]


@dataclass(frozen=True)
class Endpoint:
    """One of the addresses of a server."""

    scheme: str
    host: str
    port: int
    authority: str | None
    context: ssl.SSLContext | None
    """How its certificate is checked; None without TLS."""

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def url(self, path: str) -> str:
        """Make the URL of a path."""
        return f"{self.scheme}://{self.netloc}{path}"

    def open(self, context: ssl.SSLContext | None = None) -> socket.socket:
        """Connect; by TLS if that is spoken here."""
        sock = socket.create_connection((self.host, self.port), TIMEOUT)
        # What is sent in pieces would wait for the server's acknowledgement of the last one.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = context or self.context
        if context is None:
            return sock
        try:
            return context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise

    def connect(self, context: ssl.SSLContext | None = None) -> Peer:
        """Connect a client that is driven by hand."""
        return Peer(self.open(context), self.netloc)


class Server:
    """A server process, from the line that says where it listens until it has ended.

    Args:
        target: the application.
        options: of the command line, without binds and certificates.
        certificates: listen with TLS as well.
    """

    def __init__(
        self, target: str, options: Sequence[str] = (), certificates: Certificates | None = None
    ) -> None:
        self._certificates = certificates
        clear = "--bind"
        arguments = [*options, target]
        if certificates is not None:
            clear = "--insecure-bind"
            arguments = [*certificates.options, "--bind", "127.0.0.1:0", *arguments]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hypercorn", clear, "127.0.0.1:0", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._ended = False
        try:
            self._endpoints = self._await_endpoints(arguments.count("--bind") + 1)
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def clear(self) -> Endpoint:
        """Where it speaks HTTP."""
        return self._endpoints["http"]

    @property
    def encrypted(self) -> Endpoint:
        """Where it speaks HTTPS."""
        return self._endpoints["https"]

    @property
    def log(self) -> str:
        """What it has logged so far."""
        with self._said:
            return "".join(self._lines)

    def await_log(self, text: str) -> str:
        """Wait until ``text`` has been logged and return the log."""
        with self._said:
            self._said.wait_for(
                lambda: self._ended or any(text in line for line in self._lines), TIMEOUT
            )
            log = "".join(self._lines)
        assert text in log, f"{text!r} is not in the log:\n{log}"
        return log

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the process that was started."""
        self._process.send_signal(number)

    def wait(self, seconds: float = TIMEOUT) -> int:
        """Wait until it has ended by itself and return the exit code."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it has not ended:\n{self.log}") from None
        self._reader.join(TIMEOUT)
        return code

    def kill(self) -> None:
        """End it, whatever its state."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(TIMEOUT)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._said:
                self._lines.append(line)
                self._said.notify_all()
        with self._said:
            self._ended = True
            self._said.notify_all()

    def _await_endpoints(self, number: int) -> dict[str, Endpoint]:
        with self._said:
            self._said.wait_for(
                lambda: self._ended or len(self._addresses()) >= number, 3 * TIMEOUT
            )
            addresses = self._addresses()
        assert len(addresses) >= number, f"it does not serve:\n{self.log}"
        endpoints = [self._endpoint(address) for address in addresses if "unix:" not in address]
        return {endpoint.scheme: endpoint for endpoint in endpoints}

    def _addresses(self) -> list[str]:
        return [line.partition(_RUNNING)[2].split()[0] for line in self._lines if _RUNNING in line]

    def _endpoint(self, address: str) -> Endpoint:
        url = urlsplit(address)
        assert url.hostname is not None
        assert url.port is not None
        certificates = self._certificates if url.scheme == "https" else None
        return Endpoint(
            url.scheme,
            url.hostname,
            url.port,
            None if certificates is None else certificates.authority,
            None if certificates is None else certificates.client_context,
        )


@contextmanager
def serving(
    worker_class: str,
    *options: str,
    target: str = APP,
    certificates: Certificates | None = None,
    workers: int = 0,
) -> Iterator[Server]:
    """Serve for as long as a ``with`` block lasts; ``workers`` 0 is quickest to start."""
    common = ["--worker-class", worker_class, "--workers", str(workers)]
    with Server(target, [*common, *options], certificates) as server:
        yield server
