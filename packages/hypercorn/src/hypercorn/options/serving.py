"""Options on what is served, where, and by which processes.

Knows: the groups of the application, of binds and of processes.
Must not know: what is done with a value.
"""

from __future__ import annotations

from hypercorn.binds import parse_bind
from hypercorn_workers.settings import WorkerSettings

from .kinds import Account, Choice, Integer, Maybe, Path, Seconds, Strings, Switch, Text
from .option import UNSET, Option, OptionGroup, option

__all__ = ["ApplicationOptions", "BindOptions", "ProcessOptions"]

WORKER = WorkerSettings()
BINDS = Strings(parse_bind, name="list of binds", metavar="BIND")


class RootPath(Text):
    """A path prefix, kept without a slash at its end."""

    metavar = "PATH"

    def check(self, value: object) -> str:
        return super().check(value).rstrip("/")


class ApplicationOptions(OptionGroup, title="Application"):
    """What is served."""

    application_path: str = option(
        Text(),
        UNSET,
        "The application, as `module:attribute`; on the command line the positional argument.",
    )
    root_path: str = option(
        RootPath(),
        "",
        "The path prefix that the application is mounted at (ASGI `root_path`, WSGI "
        "`SCRIPT_NAME`).",
    )
    server_names: list[str] = option(
        Strings(),
        [],
        "Accepted values of the Host header, with the port if it has one; anything else is "
        "answered with 404. Empty accepts any.",
        flags=("--server-name",),
    )
    startup_timeout: float = option(
        Seconds(), WORKER.startup_timeout, "How long the application's lifespan start-up may take."
    )
    shutdown_timeout: float = option(
        Seconds(),
        WORKER.shutdown_timeout,
        "How long the application's lifespan shutdown may take.",
    )
    wsgi_max_body_size: int = option(
        Integer(),
        16 * 1024 * 1024,
        "Largest request body, in bytes, that a WSGI application gets.",
    )
    max_app_queue_size: int = option(
        Integer(minimum=1),
        10,
        "Accepted for configurations of 0.18 and without effect: what waits for the application "
        "is bounded in bytes, see `max_body_buffer`.",
    )


class BindOptions(OptionGroup, title="Where to listen"):
    """Sockets. A bind is ``HOST:PORT``, ``HOST``, ``[IPV6]:PORT``, ``unix:PATH`` or ``fd://N``."""

    bind = Option[list[str], "list[str] | str"](
        BINDS,
        ["127.0.0.1:8000"],
        "Where to listen: `HOST:PORT`, `[IPV6]:PORT`, `unix:PATH` or `fd://N`; with TLS if "
        "certfile and keyfile are set. The port is 8000 unless given; 0 takes any free one.",
        flags=("-b", "--bind"),
    )
    insecure_bind = Option[list[str], "list[str] | str"](
        BINDS,
        [],
        "Where to listen without TLS as well, when TLS is on.",
    )
    quic_bind = Option[list[str], "list[str] | str"](
        BINDS, [], "Where to listen for HTTP/3. Not available in this version."
    )
    backlog: int = option(
        Integer(minimum=1),
        WORKER.backlog,
        "How many connections may wait to be accepted; the system may allow less.",
    )
    umask: int | None = option(
        Maybe(Integer(base=8, name="octal number")),
        None,
        "The umask while a unix socket is made, which decides its permissions.",
        flags=("-m", "--umask"),
    )
    user: int | None = option(
        Maybe(Account("user")), None, "The owner of unix sockets.", flags=("-u", "--user")
    )
    group: int | None = option(
        Maybe(Account("group")), None, "The group of unix sockets.", flags=("-g", "--group")
    )


class ProcessOptions(OptionGroup, title="Processes"):
    """Workers and their lives."""

    worker_class: str = option(
        Choice(("auto", "asyncio", "uvloop", "trio")),
        "auto",
        "The event loop; `auto` is uvloop where it is installed, else asyncio.",
        flags=("-k", "--worker-class"),
    )
    workers: int = option(
        Integer(),
        1,
        "How many worker processes serve; 0 serves in the first process, without a supervisor.",
        flags=("-w", "--workers"),
    )
    max_requests: int | None = option(
        Maybe(Integer(minimum=1)),
        None,
        "After how many requests a worker is replaced by a new one.",
    )
    max_requests_jitter: int = option(
        Integer(),
        0,
        "Up to how many requests are added at random to max_requests, so that the workers are "
        "not all replaced at once.",
    )
    graceful_timeout: float = option(
        Seconds(),
        WORKER.graceful_timeout,
        "How long open requests may go on after the server was told to stop.",
    )
    pid_path: str | None = option(
        Maybe(Path()),
        None,
        "The file to write the process id to; removed at the end.",
        flags=("-p", "--pid"),
    )
    daemon: bool = option(
        Switch(),
        True,
        "Whether worker processes end with their parent and have no worker processes of their "
        "own (`multiprocessing.Process.daemon`). It does not detach the server from its terminal.",
        flags=("-D", "--daemon"),
    )
    use_reloader: bool = option(
        Switch(),
        False,
        "Restart when the code changes. Not available in this version.",
        flags=("--reload",),
    )
    debug: bool = option(Switch(), False, "Run the event loop in its debug mode.")
