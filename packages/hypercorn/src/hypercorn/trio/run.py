"""Workers on trio: the functions that processes and embedders call.

Knows: how a configuration is served by :mod:`hypercorn_workers.trio`.
Must not know: how processes are supervised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import trio

from hypercorn.config import Config, Sockets
from hypercorn.eventloops import run_loop
from hypercorn.loading import load_application
from hypercorn.serving import Plan
from hypercorn.utils import check_multiprocess_shutdown_event
from hypercorn_asgi.typing import AppWrapper

from .shutdown import StopSignal, until_told
from .statsd import StatsdLogger

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from hypercorn.supervision.obedience import Obedience
    from hypercorn_workers.worker import Worker

__all__ = ["serve_prepared", "trio_worker", "worker_serve"]

Trigger = Callable[..., Awaitable[object]]


async def worker_serve(
    app: AppWrapper,
    config: Config,
    *,
    sockets: Sockets | None = None,
    shutdown_trigger: Trigger | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """As :func:`hypercorn.trio.serve` with an application that is wrapped already, and with the
    caller's ``sockets``, which are closed at the end, if there are any."""
    config.set_statsd_logger_class(StatsdLogger)
    plan = Plan(config, sockets)
    await _serve(app, plan, shutdown_trigger or trio.sleep_forever, task_status)


async def _serve(
    app: AppWrapper,
    plan: Plan,
    trigger: Trigger,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
    attach: Callable[[Worker], object] = lambda worker: None,
) -> None:
    from hypercorn_workers import trio as backend

    with plan.cleaning_up():
        await backend.serve(
            app,
            plan.listeners,
            plan.settings,
            observer=plan.observer,
            shutdown_trigger=trigger,
            task_status=task_status,
            attach=attach,
        )


def trio_worker(
    config: Config, sockets: Sockets | None = None, shutdown_event: Event | None = None
) -> None:
    """Load the application and serve it in a new trio loop.

    Ends when ``shutdown_event`` is set, or by a signal if there is no event."""
    config.set_statsd_logger_class(StatsdLogger)
    app = load_application(config.application_path, config.wsgi_max_body_size)
    if shutdown_event is None:
        main = partial(_serve_until_signalled, app, Plan(config, sockets))
    else:
        trigger = partial(check_multiprocess_shutdown_event, shutdown_event, trio.sleep)
        main = partial(worker_serve, app, config, sockets=sockets, shutdown_trigger=trigger)
    run_loop("trio", main, debug=config.debug)


async def _serve_until_signalled(app: AppWrapper, plan: Plan) -> None:
    signalled = StopSignal()
    plan.before_started(signalled.install)
    try:
        await _serve(app, plan, signalled)
    finally:
        signalled.restore()


def serve_prepared(
    loop: str, app: AppWrapper, config: Config, plan: Plan, obedience: Obedience | None
) -> None:
    """Serve in a new loop until the obedience says so, or, without any, a signal."""
    config.set_statsd_logger_class(StatsdLogger)
    if obedience is None:
        main = partial(_serve_until_signalled, app, plan)
    else:
        main = partial(_serve, app, plan, partial(until_told, obedience), attach=obedience.attach)
    run_loop(loop, main, debug=config.debug)
