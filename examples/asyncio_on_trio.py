"""Lets an ASGI application that needs asyncio be served by a trio worker.

The application runs in an asyncio loop in a thread; its ``receive`` and ``send`` are carried over
to trio and back. On an asyncio worker nothing is in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import trio

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]


class AsyncioOnTrio:
    """An ASGI application around another one that knows only asyncio.

    Args:
        app: the other one.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; raises what it raises."""
        try:
            trio.lowlevel.current_task()
        except RuntimeError:
            await self.app(scope, receive, send)
        else:
            await self._run_in_thread(scope, receive, send)

    async def _run_in_thread(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = self._loop_of_thread()
        token = trio.lowlevel.current_trio_token()
        done = trio.Event()
        async with trio.open_nursery() as nursery:

            async def carry(function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
                """Call a function of trio's from asyncio."""
                future = loop.create_future()
                token.run_sync_soon(nursery.start_soon, _deliver, loop, future, function, args)
                return await future

            running = asyncio.run_coroutine_threadsafe(
                self.app(scope, lambda: carry(receive), lambda message: carry(send, message)),
                loop,
            )
            running.add_done_callback(lambda _: _tell(token, done))
            try:
                await done.wait()
            finally:
                running.cancel()
                nursery.cancel_scope.cancel()  # whoever waits for a message that nobody wants
        running.result()

    def _loop_of_thread(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, daemon=True).start()
        return self._loop


def _tell(token: trio.lowlevel.TrioToken, event: trio.Event) -> None:
    with contextlib.suppress(trio.RunFinishedError):  # then nobody waits for it any more
        token.run_sync_soon(event.set)


async def _deliver(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    function: Callable[..., Awaitable[Any]],
    args: tuple[Any, ...],
) -> None:
    """Call a function in trio and give its outcome to the future of another loop."""
    result, error = None, None
    try:
        result = await function(*args)
    except Exception as caught:
        error = caught
    loop.call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return  # cancelled: nobody waits for it any more
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
