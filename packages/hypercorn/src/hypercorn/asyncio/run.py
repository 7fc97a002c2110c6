"""Workers on asyncio and uvloop: the functions that processes and embedders call.

Knows: how a configuration is served by :mod:`hypercorn_workers.asyncio`.
Must not know: how processes are supervised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

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

__all__ = ["asyncio_worker", "serve_prepared", "uvloop_worker", "worker_serve"]

Trigger = Callable[..., Awaitable[object]]


async def worker_serve(
    app: AppWrapper,
    config: Config,
    *,
    sockets: Sockets | None = None,
    shutdown_trigger: Trigger | None = None,
    started: Callable[[list[str]], None] | None = None,
) -> None:
    """As :func:`hypercorn.asyncio.serve` with an application that is wrapped already, and with the
    caller's ``sockets``, which are closed at the end, if there are any."""
    config.set_statsd_logger_class(StatsdLogger)
    plan = Plan(config, sockets, started)
    if shutdown_trigger is None:
        await _serve_until_signalled(app, plan)
    else:
        await _serve(app, plan, shutdown_trigger)


async def _serve_until_signalled(app: AppWrapper, plan: Plan) -> None:
    signalled = StopSignal()
    plan.before_started(signalled.install)
    try:
        await _serve(app, plan, signalled)
    finally:
        signalled.restore()


async def _serve(
    app: AppWrapper,
    plan: Plan,
    trigger: Trigger,
    attach: Callable[[Worker], object] = lambda worker: None,
) -> None:
    from hypercorn_workers import asyncio as backend

    with plan.cleaning_up():
        await backend.serve(
            app,
            plan.listeners,
            plan.settings,
            observer=plan.observer,
            shutdown_trigger=trigger,
            attach=attach,
        )


def asyncio_worker(
    config: Config, sockets: Sockets | None = None, shutdown_event: Event | None = None
) -> None:
    """Load the application and serve it in a new asyncio loop.

    Ends when ``shutdown_event`` is set, or by a signal if there is no event."""
    _work("asyncio", config, sockets, shutdown_event)


def uvloop_worker(
    config: Config, sockets: Sockets | None = None, shutdown_event: Event | None = None
) -> None:
    """As :func:`asyncio_worker` on uvloop. Raises ImportError if uvloop is not installed."""
    _work("uvloop", config, sockets, shutdown_event)


def _work(
    loop: str, config: Config, sockets: Sockets | None, shutdown_event: Event | None
) -> None:
    trigger: Trigger | None = None
    if shutdown_event is not None:
        trigger = partial(check_multiprocess_shutdown_event, shutdown_event, asyncio.sleep)
    app = load_application(config.application_path, config.wsgi_max_body_size)
    main = partial(worker_serve, app, config, sockets=sockets, shutdown_trigger=trigger)
    run_loop(loop, main, debug=config.debug)


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
