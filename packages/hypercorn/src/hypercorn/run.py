"""Running the server: from a configuration to an exit code.

Knows: the order of things that belong to the server as a whole: checks, sockets, the pid file,
then either the supervisor or one worker in this process.
Must not know: the command line, or how a worker serves.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigError, ExitCode
from .eventloops import event_loop, worker_function
from .failures import complain, exit_code, reason
from .logging import standard_logger
from .serving import listening_sockets
from .sockets import Sockets
from .unix_sockets import UnixSocketFiles

if TYPE_CHECKING:
    from .config import Config

__all__ = ["run"]


def run(config: Config) -> int:
    """Serve ``config.application_path`` until SIGINT or SIGTERM; returns the exit code.

    With ``workers`` 0 in this process, else in that many others, which a supervisor looks after:
    SIGHUP restarts them one after another. Raises ConfigError or BindError for what cannot be
    served as configured; an application that does not start is told on stderr and gives exit code
    3.
    """
    _check(config)
    with _sockets(config) as sockets, _pid_file(config.pid_path):
        if config.workers == 0:
            return _run_inline(config, sockets)
        from .supervisor import Supervisor

        return Supervisor(config, sockets, standard_logger(config.log)).run()


def _check(config: Config) -> None:
    """Refuse what would fail in every worker."""
    config.validate()
    event_loop(config.worker_class)
    if getattr(config, "application_path", None) is None:
        raise ConfigError("no application is given: `hypercorn module:attribute`")
    if config.use_reloader:
        raise ConfigError(
            "use_reloader = True: reloading is not available in this version, "
            "remove use_reloader (--reload)"
        )
    config.create_ssl_context()


@contextlib.contextmanager
def _sockets(config: Config) -> Iterator[Sockets]:
    files = UnixSocketFiles()
    sockets = listening_sockets(config)
    files.claim([*config.bind, *config.insecure_bind])
    try:
        yield sockets
    finally:
        sockets.close()
        files.remove()


@contextlib.contextmanager
def _pid_file(path: str | None) -> Iterator[None]:
    if path is None:
        yield
        return
    content = str(os.getpid())
    try:
        Path(path).write_text(content)
    except OSError as error:
        raise ConfigError(f"pid_path = {path!r}: {error.strerror}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if Path(path).read_text() == content:
                Path(path).unlink()


def _run_inline(config: Config, sockets: Sockets) -> int:
    try:
        worker_function(event_loop(config.worker_class))(config, sockets)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except (Exception, SystemExit) as error:
        complain(reason(error, config.application_path))
        return exit_code(error)
    return ExitCode.OK
