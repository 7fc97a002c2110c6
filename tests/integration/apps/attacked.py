"""The inspecting application, with an eye on what serving it costs.

Requests by which a test looks on or lets others go on are not counted.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import anyio

from tests.integration.apps import inspecting
from tests.integration.apps.messages import Receive, Scope, Send, answer, answer_json

MIB = 1024 * 1024

_CONTENT = bytes(2 * MIB)
_NOT_COUNTED = ("/memory", "/open", "/pass", "/report")


class Instances:
    """How many requests the application is at work on."""

    def __init__(self) -> None:
        self.alive = 0
        self.most = 0
        self.total = 0
        self._none = anyio.Event()

    def begin(self) -> None:
        self.alive += 1
        self.total += 1
        self.most = max(self.most, self.alive)

    def end(self) -> None:
        self.alive -= 1
        if not self.alive:
            self._none.set()

    async def none_alive(self) -> None:
        while self.alive:
            self._none = anyio.Event()
            await self._none.wait()


_instances = Instances()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    route = _OWN_ROUTES.get(scope.get("path", ""))
    if route is not None:
        await route(send)
        return
    if scope["type"] == "lifespan" or scope["path"] in _NOT_COUNTED:
        await inspecting.app(scope, receive, send)
        return
    _instances.begin()
    try:
        if scope["path"] == "/whole":
            await answer(send, _CONTENT)
        else:
            await inspecting.app(scope, receive, send)
    finally:
        _instances.end()


async def cost(send: Send) -> None:
    """Tell the processor's time in seconds, and how many requests there were at most at once
    since this was told last."""
    seen = {
        "cpu": time.process_time(),
        "alive": _instances.alive,
        "most": _instances.most,
        "total": _instances.total,
    }
    _instances.most = _instances.alive
    await answer_json(send, seen)


async def forget_peak(send: Send) -> None:
    """Have ``/memory`` tell of what comes from here on, where the system can do that."""
    _forget_peak()
    await answer(send, b"forgotten")


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # proc(5)


async def processor_time(send: Send) -> None:
    await answer_json(send, time.process_time())


async def quiet(send: Send) -> None:
    """Answer when there is no request left."""
    await _instances.none_alive()
    await answer(send, b"quiet")


_OWN_ROUTES = {
    "/cost": cost,
    "/forget-peak": forget_peak,
    "/time": processor_time,
    "/quiet": quiet,
}
