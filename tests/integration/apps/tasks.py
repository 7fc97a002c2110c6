"""Routes about the task and the context that an application runs in, and about its end."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextvars import ContextVar

import anyio
import anyio.lowlevel
import sniffio

from tests.integration.apps.messages import (
    Receive,
    Route,
    Scope,
    Send,
    answer,
    answer_json,
    body,
    gate,
    parameters,
    start,
)

seen: ContextVar[str] = ContextVar("seen", default="nothing")


async def context(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell what an earlier request left in this context, and leave something."""
    before = seen.get()
    seen.set(scope["query_string"].decode())
    await answer(send, before.encode())


async def work_afterwards(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, then wait for the gate."""
    await answer(send, b"answered")
    await gate(parameters(scope)["gate"]).wait()
    gate(parameters(scope)["gate"] + "-passed").set()


async def inspect_task(scope: Scope, receive: Receive, send: Send) -> None:
    """Use what is bound to the current task: timeouts, task groups, threads."""
    found = {"library": sniffio.current_async_library(), "anyio": await _use_anyio()}
    if found["library"] == "asyncio":
        found["asyncio"] = await _use_asyncio()
    await answer_json(send, found)


async def _use_anyio() -> list[str]:
    done = []
    with anyio.move_on_after(0.001) as scope:
        await anyio.sleep_forever()
    if scope.cancelled_caught:
        done.append("timeout")
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.lowlevel.checkpoint)
    done.append("task group")
    done.append(await anyio.to_thread.run_sync(lambda: "thread"))
    return done


async def _use_asyncio() -> list[str]:
    task = asyncio.current_task()
    done = ["no task" if task is None else "task"]
    try:
        if sys.version_info >= (3, 11):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        else:
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
    except (TimeoutError, asyncio.TimeoutError):
        done.append("timeout")
    if task is not None and sys.version_info >= (3, 11) and task.cancelling():
        done.append("still being cancelled")
    return done


async def endless_events(scope: Scope, receive: Receive, send: Send) -> None:
    """An answer that ends when the server says that its client is gone."""
    kind = parameters(scope)["type"].encode()
    await start(send, 200, (b"content-type", kind))
    await body(send, b"begun", more=True)
    message = await receive()
    while message["type"] == "http.request":
        message = await receive()
    sys.stderr.write(f"the application saw {message['type']}\n")


async def swallow_cancellation(scope: Scope, receive: Receive, send: Send) -> None:
    """Go on, however often this is cancelled."""
    await start(send)
    await body(send, b"begun", more=True)
    cancelled = anyio.get_cancelled_exc_class()
    while True:
        with contextlib.suppress(cancelled):
            await anyio.sleep_forever()


ROUTES: dict[str, Route] = {
    "/context": context,
    "/work-afterwards": work_afterwards,
    "/task": inspect_task,
    "/endless-events": endless_events,
    "/swallow-cancellation": swallow_cancellation,
}
