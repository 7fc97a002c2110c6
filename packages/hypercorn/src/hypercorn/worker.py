"""What a worker process does: load the application, serve, and tell the supervisor how it went.

Knows: the order of a worker process's life and its exit codes.
Must not know: event loops, or how the supervisor reacts.
"""

from __future__ import annotations

import signal
import socket
import sys
from typing import TYPE_CHECKING

from .channel import WorkerLink
from .errors import ExitCode
from .eventloops import event_loop, supervised_worker
from .failures import exit_code, reason
from .loading import load_application
from .logging import standard_logger
from .signals import SignalHandlers, leave_to_supervisor

if TYPE_CHECKING:
    from .config import Config
    from .sockets import Sockets

__all__ = ["work"]


def work(config: Config, sockets: Sockets, channel: socket.socket) -> None:
    """Serve in this process until told to stop; the target of a worker process."""
    leave_to_supervisor()
    link = WorkerLink(channel)
    try:
        _serve(config, sockets, link)
    except BaseException as error:
        if link.is_ready:
            standard_logger(config.log).critical(reason(error, config.application_path))
            sys.exit(ExitCode.CRASHED)
        code = exit_code(error)
        link.failed(code, reason(error, config.application_path))
        sys.exit(code)


def _serve(config: Config, sockets: Sockets, link: WorkerLink) -> None:
    loop = event_loop(config.worker_class)
    app = load_application(config.application_path, config.wsgi_max_body_size)

    def started(addresses: list[str]) -> None:
        # Until now SIGTERM ends the process; from now on it asks for a graceful shutdown, however
        # often it comes: what stops a server often tells all of its processes.
        SignalHandlers(link.end, (signal.SIGTERM,)).install()
        link.ready(addresses)

    supervised_worker(loop)(loop, app, config, sockets, started, link.sock)
