"""Options on what is served, where, and by which processes.

Knows: the groups of the application, of binds and of processes.
Must not know: what is done with a value.
"""

from __future__ import annotations

from hypercorn.binds import parse_bind
from hypercorn_workers.settings import WorkerSettings

from .kinds import Account, Choice, Integer, Maybe, Path, Seconds, Size, Strings, Switch, Text
from .option import UNSET, Option, OptionGroup, option

__all__ = ["ApplicationOptions", "BindOptions", "ProcessOptions", "ReloadOptions"]

WORKER = WorkerSettings()
BINDS = Strings(parse_bind, name="list of binds", metavar="BIND")


class RootPath(Text):
    """A path prefix, kept without a slash at its end."""

    metavar = "PATH"

    def check(self, value: object) -> str:
        return super().check(value).rstrip("/")


class ProbePath(Text):
    """A path that probes ask for."""

    name = "path such as `/ready`"
    metavar = "PATH"

    def check(self, value: object) -> str:
        path = super().check(value)
        if not path.startswith("/") or not path.isascii() or "?" in path or " " in path:
            raise ValueError("must be a path such as /ready")
        return path


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
    """Sockets. A bind is ``HOST:PORT``, ``HOST``, ``[IPV6]:PORT``, ``unix:PATH``, ``fd://N`` or
    ``fd://NAME``."""

    bind = Option[list[str], "list[str] | str"](
        BINDS,
        ["127.0.0.1:8000"],
        "Where to listen: `HOST:PORT`, `[IPV6]:PORT`, `unix:PATH`, or an open socket by its "
        "descriptor, `fd://N`, or by its name in systemd, `fd://NAME`; with TLS if certfile and "
        "keyfile are set. The port is 8000 unless given; 0 takes any free one. If nothing is "
        "given, sockets of systemd's are taken.",
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
    reuse_port: bool = option(
        Switch(),
        True,
        "Give each worker listening sockets of its own, between which the system balances "
        "connections (`SO_REUSEPORT`), where it can and there are several workers. Otherwise "
        "whichever worker is first accepts.",
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
    preload: bool = option(
        Switch(),
        False,
        "Import the application once, in a process that workers are forked from: they start "
        "faster and share memory. For applications that start no threads while they are imported; "
        "not on macOS and Windows.",
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
    worker_max_lifetime: float | None = option(
        Maybe(Seconds(minimum=1)),
        None,
        "After how long a worker is replaced by a new one.",
    )
    worker_max_lifetime_jitter: float = option(
        Seconds(),
        0.0,
        "Up to how many seconds are added at random to worker_max_lifetime.",
    )
    worker_max_rss: int | None = option(
        Maybe(Size(minimum=16 << 20)),
        None,
        "How much memory (resident set size) a worker may use before it is replaced by a new one; "
        "looked at every few seconds.",
    )
    max_surge: int = option(
        Integer(minimum=1),
        1,
        "How many new workers may be started at once while workers are replaced. An old one stops "
        "when its new one serves.",
    )
    worker_healthcheck_timeout: float | None = option(
        Maybe(Seconds(minimum=0.1)),
        None,
        "For how long a worker's event loop may be blocked: then what it is doing is logged, and "
        "it is killed and replaced. Without, it is only reported. Workers that start are not "
        "meant: see startup_timeout.",
    )
    drain_delay: float = option(
        Seconds(),
        WORKER.drain_delay,
        "For how long the server still accepts connections after it was told to stop, so that "
        "load balancers can notice; see readiness_path.",
    )
    graceful_timeout: float = option(
        Seconds(),
        WORKER.graceful_timeout,
        "How long open requests may go on once no connections are accepted any more.",
    )
    readiness_path: str | None = option(
        Maybe(ProbePath()),
        WORKER.readiness_path,
        "Where the server itself answers probes, such as `/ready`: 200, or 503 once it was told "
        "to stop. What is logged and what the application sees does not include them.",
    )
    pid_path: str | None = option(
        Maybe(Path()),
        None,
        "The file to write the process id to; removed at the end.",
        flags=("-p", "--pid"),
    )
    daemonize: bool = option(
        Switch(),
        False,
        "Go on in the background, detached from the terminal, once the server serves.",
        flags=("-D", "--daemon"),
    )
    daemon: bool = option(
        Switch(),
        True,
        "Whether worker processes end with their parent and have no worker processes of their "
        "own (`multiprocessing.Process.daemon`). To detach the server, see daemonize.",
        has_flag=False,
    )
    umask: int | None = option(
        Maybe(Integer(base=8, name="octal number")),
        None,
        "The umask of workers, and while a unix socket is made, which decides its permissions.",
        flags=("-m", "--umask"),
    )
    user: int | None = option(
        Maybe(Account("user")),
        None,
        "The user that workers run as, if the server is started by root, and the owner of unix "
        "sockets.",
        flags=("-u", "--user"),
    )
    group: int | None = option(
        Maybe(Account("group")),
        None,
        "The group that workers run as, and of unix sockets; by default that of the user.",
        flags=("-g", "--group"),
    )
    process_name: str = option(
        Text(),
        "hypercorn",
        "What the processes are called in `ps`; nothing leaves them as they are.",
    )
    debug: bool = option(Switch(), False, "Run the event loop in its debug mode.")


class ReloadOptions(OptionGroup, title="Reloading"):
    """For development: following changes of the code."""

    use_reloader: bool = option(
        Switch(),
        False,
        "Replace the workers when a file changes. Errors in the new code are shown, and the "
        "workers with the old code go on until they are mended.",
        flags=("--reload",),
    )
    reload_dirs: list[str] = option(
        Strings(name="list of paths", metavar="PATH"),
        ["."],
        "The folders, or files, that are watched.",
        flags=("--reload-dir",),
    )
    reload_include: list[str] = option(
        Strings(name="list of patterns", metavar="GLOB"),
        ["*.py"],
        "Which files are watched: a name or a path in the folder must match one of these.",
    )
    reload_exclude: list[str] = option(
        Strings(name="list of patterns", metavar="GLOB"),
        [],
        "Which of them are not. Caches, virtual environments and editors' temporary files never "
        "are.",
    )
