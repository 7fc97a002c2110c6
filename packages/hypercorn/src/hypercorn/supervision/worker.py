"""What a worker process does: prepare, serve, and tell the supervisor how it goes.

Knows: the order of a worker process's life and its exit codes.
Must not know: event loops, or how the supervisor reacts.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypercorn.errors import ExitCode
from hypercorn.eventloops import event_loop, import_event_loop, serving_function
from hypercorn.failures import exit_code, reason
from hypercorn.loading import load_application
from hypercorn.logging import standard_logger
from hypercorn.serving import Credentials, Plan
from hypercorn.signals import SignalHandlers, end_undisturbed, leave_to_supervisor
from hypercorn.sockets import keep_to_this_process
from hypercorn.system.detaching import leave_terminal
from hypercorn.system.privileges import Privileges
from hypercorn.system.titles import set_title
from hypercorn_asgi.typing import AppWrapper

from .channel import Failed, Ready, WorkerLink
from .obedience import Obedience

if TYPE_CHECKING:
    from hypercorn.config import Config

    from .process import Orders

__all__ = ["STACKS_SIGNAL", "Preparation", "prepare", "work"]

STACKS_SIGNAL = getattr(signal, "SIGQUIT", None)
"""Has a worker write what its threads are doing to the stacks of its orders; it goes on."""


@dataclass(frozen=True)
class Preparation:
    """What has to be there before a worker serves, and what several may share."""

    loop: str
    credentials: Credentials
    app: AppWrapper


def prepare(config: Config) -> Preparation:
    """Get ready to serve in this process: with its rights read keys and open logs, then give the
    rights up, then import the application. Raises what goes wrong with any of it."""
    loop = event_loop(config.worker_class)
    import_event_loop(loop)  # now: Python itself may be where only root can read
    standard_logger(config.log)
    credentials = Credentials.of(config)
    Privileges(config.user, config.group, config.umask).drop()
    app = load_application(config.application_path, config.wsgi_max_body_size)
    return Preparation(loop, credentials, app)


def work(orders: Orders, preparation: Preparation | None = None) -> None:
    """Serve in this process until told to stop; the target of a worker process."""
    config = orders.config
    leave_to_supervisor()
    keep_to_this_process([orders.channel, orders.stacks, *orders.sockets.stream_sockets])
    set_title(config.process_name, f"worker {orders.number}", config.application_path)
    _report_crashes_to(orders.stacks.fileno())
    link = WorkerLink(orders.channel)
    try:
        _serve(orders, link, preparation or prepare(config))
        end_undisturbed()
    except BaseException as error:
        if link.is_ready:
            standard_logger(config.log).critical(reason(error, config.application_path))
            sys.exit(ExitCode.CRASHED)
        code = exit_code(error)
        link.send(Failed(code, reason(error, config.application_path)))
        sys.exit(code)


def _serve(orders: Orders, link: WorkerLink, preparation: Preparation) -> None:
    config = orders.config

    def started(addresses: list[str]) -> None:
        # Until now SIGTERM ends the process; from now on it asks for a graceful shutdown, however
        # often it comes: what stops a server often tells all of its processes.
        SignalHandlers(link.end, (signal.SIGTERM,)).install()
        if config.daemonize:
            leave_terminal()
        link.send(Ready(addresses))

    plan = Plan(
        config, orders.sockets, started, announce=False, credentials=preparation.credentials
    )
    obedience = Obedience(link, preparation.credentials)
    serve = serving_function(preparation.loop)
    serve(preparation.loop, preparation.app, config, plan, obedience)


def _report_crashes_to(descriptor: int) -> None:
    """Have a crash of the interpreter, and being asked, tell what all threads were doing."""
    with contextlib.suppress(RuntimeError, ValueError):
        faulthandler.enable(descriptor)
        if STACKS_SIGNAL is not None and hasattr(faulthandler, "register"):
            faulthandler.register(STACKS_SIGNAL, descriptor, chain=False)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_report_crashes)


def _report_crashes() -> None:
    """In a process that the application has forked, which does not speak for the worker."""
    if STACKS_SIGNAL is not None and hasattr(faulthandler, "unregister"):
        faulthandler.unregister(STACKS_SIGNAL)
    faulthandler.disable()
    with contextlib.suppress(AttributeError, OSError, RuntimeError, ValueError):
        faulthandler.enable()  # unless there is no standard error
