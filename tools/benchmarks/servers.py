"""The servers that are compared: what to install, and how each is told the same things.

Knows: the names, requirements and command lines of the servers.
Must not know: where they are installed, or what is measured.

Every one is told: so many workers, on uvloop where it can, no access log, this port, this
application. What else it has (timers, limits, default headers) stays as it is delivered.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from development.commands import ROOT
from versions import DISTRIBUTIONS, manifest

HOST = "127.0.0.1"
WORKER_CLASSES = ("uvloop", "asyncio", "trio")

# Seconds that a connection may be idle, where it has to be for long.
_IDLE = "600"
# h2load fails what it would have asked for after a GOAWAY. A file, since 0.18 has no option for it
# on its command line.
UNLIMITED_REQUESTS = Path(__file__).with_name("unlimited_requests.toml")
# Installed beside every server, for applications.framework.
_FRAMEWORK = "starlette"


@dataclass(frozen=True)
class Certificate:
    """A certificate that is its own authority, and its key; both PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Serving:
    """What a server is told."""

    port: int
    application: str
    """As ``module:attribute``."""
    certificate: Certificate | None = None
    """Serve with TLS."""
    idle_connections: int = 0
    """How many connections will be open and idle for minutes. 0: let the server's defaults be."""
    is_http2: bool = False
    """Serve HTTP/2, and never end a connection because of the number of its requests."""
    workers: int = 1

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"{'http' if self.certificate is None else 'https'}://{HOST}:{self.port}/"


@dataclass(frozen=True)
class Server:
    """One row of the comparison."""

    name: str
    distribution: str
    """Whose version is shown."""
    requirements: tuple[str, ...]
    """As uv is told them."""
    command: Callable[[Serving], list[str]]
    """Gives the program, which is in the environment's ``bin``, and its arguments."""
    environment: str
    """The folder's name; rows that share it share what is installed."""
    manifests: tuple[Path, ...] = ()
    """Files whose change makes the environment stale."""
    compresses: bool = True
    """Whether its WebSockets have permessage-deflate."""
    restart_signal: signal.Signals | None = signal.SIGHUP
    """Replaces the workers; None if nothing does."""


def _flags(certificate: Certificate | None, cert_flag: str, key_flag: str) -> list[str]:
    if certificate is None:
        return []
    return [cert_flag, str(certificate.certificate), key_flag, str(certificate.key)]


def _keep_alive(serving: Serving, flag: str) -> list[str]:
    return [flag, _IDLE] if serving.idle_connections else []


def _connections(serving: Serving, flag: str) -> list[str]:
    """Raise the limit of a server that has one; it counts whoever makes sure that it answers."""
    return [flag, str(serving.idle_connections + 100)] if serving.idle_connections else []


def _hypercorn(worker_class: str, *more: str) -> Callable[[Serving], list[str]]:
    """Give the command line of either Hypercorn, which has not changed."""

    def command(serving: Serving) -> list[str]:
        return [
            "hypercorn",
            *("--bind", f"{HOST}:{serving.port}"),
            *("--workers", str(serving.workers)),
            *("--worker-class", worker_class),
            *("--log-level", "warning"),
            *_keep_alive(serving, "--keep-alive"),
            *_flags(serving.certificate, "--certfile", "--keyfile"),
            *(("--config", str(UNLIMITED_REQUESTS)) if serving.is_http2 else ()),
            *more,
            serving.application,
        ]

    return command


def _uvicorn(serving: Serving) -> list[str]:
    return [
        "uvicorn",
        *("--host", HOST, "--port", str(serving.port)),
        *("--workers", str(serving.workers)),
        *("--loop", "uvloop"),
        *(("--http", "zttp", "--http2") if serving.is_http2 else ("--http", "httptools")),
        *("--ws", "websockets-sansio"),
        *("--log-level", "warning", "--no-access-log"),
        *_keep_alive(serving, "--timeout-keep-alive"),
        *_flags(serving.certificate, "--ssl-certfile", "--ssl-keyfile"),
        serving.application,
    ]


def _granian(serving: Serving) -> list[str]:
    # Its one timer for idle connections is that of request heads, a minute at the most.
    timeout = ["--http1-header-read-timeout", "60000"] if serving.idle_connections else []
    return [
        "granian",
        *("--interface", "asgi"),
        *("--host", HOST, "--port", str(serving.port)),
        *("--workers", str(serving.workers), "--runtime-mode", "st"),
        *(("--http", "2") if serving.is_http2 else ()),
        *("--loop", "uvloop"),
        *("--log-level", "warning", "--no-access-log"),
        *timeout,
        *_connections(serving, "--backpressure"),
        *_flags(serving.certificate, "--ssl-certificate", "--ssl-keyfile"),
        serving.application,
    ]


def _gunicorn(serving: Serving) -> list[str]:
    return [
        "gunicorn",
        *("--bind", f"{HOST}:{serving.port}"),
        *("--workers", str(serving.workers)),
        *("--worker-class", "asgi", "--asgi-loop", "uvloop"),
        *("--log-level", "warning"),
        *_keep_alive(serving, "--keep-alive"),
        *_connections(serving, "--worker-connections"),
        *_flags(serving.certificate, "--certfile", "--keyfile"),
        serving.application,
    ]


def hypercorn(worker_class: str = "uvloop", http2_engine: str | None = None) -> Server:
    """Give the server of this working tree, on one of `WORKER_CLASSES`.

    With an engine of HTTP/2 it is told so, and named after it."""
    told = () if http2_engine is None else ("--http2-engine", http2_engine)
    packages = ROOT / "packages"
    return Server(
        name=f"hypercorn ({http2_engine or worker_class})",
        distribution="hypercorn",
        requirements=(
            *("--editable", f"{packages}/hypercorn-protocols[fast]"),
            *("--editable", f"{packages}/hypercorn-asgi"),
            *("--editable", f"{packages}/hypercorn-workers[trio,uvloop]"),
            *("--editable", f"{packages}/hypercorn"),
            "hpack",
            _FRAMEWORK,
        ),
        command=_hypercorn(worker_class, *told),
        environment="hypercorn",
        manifests=tuple(manifest(distribution) for distribution in DISTRIBUTIONS),
    )


UVICORN = Server(
    name="uvicorn",
    distribution="uvicorn",
    requirements=("uvicorn[standard]", _FRAMEWORK),
    command=_uvicorn,
    environment="uvicorn",
)

ZTTP = Server(
    name="uvicorn (zttp)",
    distribution="uvicorn",
    requirements=("uvicorn[standard]>=0.54", "zttp", "hpack", _FRAMEWORK),
    command=_uvicorn,
    environment="uvicorn-zttp",
)
"""uvicorn with what it needs for HTTP/2; hpack is for the driver that is counted."""

PEERS = {
    "uvicorn": UVICORN,
    "granian": Server(
        name="granian",
        distribution="granian",
        requirements=("granian[uvloop]", _FRAMEWORK),
        command=_granian,
        environment="granian",
        compresses=False,
    ),
    "gunicorn": Server(
        name="gunicorn (asgi)",
        distribution="gunicorn",
        requirements=("gunicorn[fast]", "uvloop", _FRAMEWORK),
        command=_gunicorn,
        environment="gunicorn",
        compresses=False,
    ),
    "hypercorn-0.18": Server(
        name="hypercorn 0.18",
        distribution="hypercorn",
        requirements=("Hypercorn==0.18.0", "uvloop", _FRAMEWORK),
        command=_hypercorn("uvloop"),
        environment="hypercorn-0.18",
        restart_signal=None,
    ),
}
"""Released servers, by the name that the command line has for them."""

NAMES = ("hypercorn", *PEERS)
"""All of them; the first is this working tree."""


HTTP2_SERVERS = {
    "hypercorn": hypercorn(),
    "hypercorn-hpack": hypercorn(http2_engine="hpack"),
    "granian": PEERS["granian"],
    "uvicorn": ZTTP,
    "hypercorn-0.18": PEERS["hypercorn-0.18"],
}
"""Servers of HTTP/2, by the name that the command line has for them."""


def choose(names: Sequence[str], worker_classes: Sequence[str]) -> list[Server]:
    """Give the servers of those names, ours once for each worker class, in the order given.

    Raises:
        ValueError: there is no server or no worker class of that name.
    """
    unknown = [name for name in names if name not in NAMES]
    unknown += [name for name in worker_classes if name not in WORKER_CLASSES]
    if unknown:
        known = ", ".join((*NAMES, *WORKER_CLASSES))
        raise ValueError(f"nothing is named {', '.join(unknown)}; there are {known}")
    chosen: list[Server] = []
    for name in names:
        chosen += [PEERS[name]] if name in PEERS else map(hypercorn, worker_classes)
    return chosen


def choose_http2(names: Sequence[str]) -> list[Server]:
    """Give the servers of HTTP/2 of those names, in the order given.

    Raises:
        ValueError: there is no server of that name.
    """
    unknown = [name for name in names if name not in HTTP2_SERVERS]
    if unknown:
        known = ", ".join(HTTP2_SERVERS)
        raise ValueError(f"nothing is named {', '.join(unknown)}; there are {known}")
    return [HTTP2_SERVERS[name] for name in names]
