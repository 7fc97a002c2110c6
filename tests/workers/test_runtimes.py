"""The port's promises (:class:`hypercorn_workers.port.Runtime`), kept by every event loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from hypercorn_workers import Runtime
from tests.workers.loops import run

Check = Callable[[Runtime], Coroutine[Any, Any, None]]


@asynccontextmanager
async def runtime_of(backend: str) -> AsyncIterator[Runtime]:
    """Make a runtime of the running loop."""
    if backend == "trio":
        import trio

        from hypercorn_workers.trio import TrioRuntime

        async with trio.open_nursery() as nursery:
            on_trio = TrioRuntime(nursery)
            nursery.start_soon(on_trio.run_timers)
            yield on_trio
            nursery.cancel_scope.cancel()
    else:
        import asyncio

        from hypercorn_workers.asyncio import AsyncioRuntime

        on_asyncio = AsyncioRuntime(asyncio.get_running_loop())
        yield on_asyncio
        on_asyncio.close()


@pytest.fixture
def check(backend: str) -> Callable[[Check], None]:
    """Give a way to run a coroutine function with a runtime."""

    def run_check(function: Check) -> None:
        async def main() -> None:
            async with runtime_of(backend) as runtime:
                await function(runtime)

        run(backend, main)

    return run_check


async def turn(runtime: Runtime) -> None:
    """Let the loop turn until it has done what was due, twice."""
    for _ in range(2):
        wakeup = runtime.create_wakeup()
        runtime.call_soon(wakeup.set)
        await wakeup.wait()


def test_wakeup_wakes_all_that_wait(check: Callable[[Check], None]) -> None:
    async def function(runtime: Runtime) -> None:
        wakeup, woken = runtime.create_wakeup(), []

        async def wait(name: str) -> None:
            await wakeup.wait()
            woken.append(name)

        for name in "ab":
            runtime.spawn(wait(name))
        await turn(runtime)
        assert woken == []
        wakeup.set()
        await turn(runtime)
        assert sorted(woken) == ["a", "b"]

    check(function)


def test_wakeup_is_not_remembered(check: Callable[[Check], None]) -> None:
    """Who comes later waits for the next one."""

    async def function(runtime: Runtime) -> None:
        wakeup, woken = runtime.create_wakeup(), []

        async def wait() -> None:
            await wakeup.wait()
            woken.append(True)

        wakeup.set()
        runtime.spawn(wait())
        await turn(runtime)
        assert woken == []
        wakeup.set()
        wakeup.set()
        await turn(runtime)
        assert woken == [True]

    check(function)


def test_calls_keep_their_order(check: Callable[[Check], None]) -> None:
    async def function(runtime: Runtime) -> None:
        called: list[int] = []
        for number in range(5):
            runtime.call_soon(lambda number=number: called.append(number))  # type: ignore[misc]
        assert called == []
        await turn(runtime)
        assert called == list(range(5))

    check(function)


def test_call_that_fails_ends_nothing_else(
    check: Callable[[Check], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def function(runtime: Runtime) -> None:
        runtime.call_soon(lambda: 1 / 0)
        await turn(runtime)

    check(function)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_later_calls(check: Callable[[Check], None]) -> None:
    async def function(runtime: Runtime) -> None:
        called: list[str] = []
        last = runtime.create_wakeup()
        began_at = runtime.now()
        runtime.call_later(0.03, last.set)
        runtime.call_later(0.02, lambda: called.append("second"))
        runtime.call_later(0.01, lambda: called.append("first"))
        runtime.call_later(0.015, lambda: called.append("never")).cancel()
        await last.wait()

        assert called == ["first", "second"]
        # Clocks are coarse.
        assert runtime.now() - began_at >= 0.029

    check(function)


def test_cancelling_what_is_over(check: Callable[[Check], None]) -> None:
    async def function(runtime: Runtime) -> None:
        async def nothing() -> None:
            return

        timer, task = runtime.call_later(0, lambda: None), runtime.spawn(nothing())
        await turn(runtime)
        timer.cancel()
        task.cancel()
        await turn(runtime)

    check(function)


def test_cancelling_a_task(check: Callable[[Check], None]) -> None:
    async def function(runtime: Runtime) -> None:
        ended: list[str] = []

        async def wait() -> None:
            try:
                await runtime.create_wakeup().wait()
            finally:
                ended.append("cancelled")

        task = runtime.spawn(wait())
        await turn(runtime)
        task.cancel()
        await turn(runtime)
        assert ended == ["cancelled"]

    check(function)


def test_tasks_have_contexts_of_their_own(check: Callable[[Check], None]) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="outside")

    async def function(runtime: Runtime) -> None:
        seen: list[str] = []

        async def task() -> None:
            seen.append(variable.get())
            variable.set("inside")
            runtime.call_soon(lambda: seen.append(variable.get()))
            runtime.call_later(0, lambda: seen.append(variable.get()))

        for _ in range(2):
            runtime.spawn(task())
        await turn(runtime)
        await turn(runtime)
        # Nor have callbacks that of the task which asks for them.
        assert seen == ["outside"] * 6

    check(function)


def test_threads(check: Callable[[Check], None]) -> None:
    async def function(runtime: Runtime) -> None:
        loop_thread = threading.get_ident()

        async def asynchronous(number: int) -> tuple[int, int]:
            return number + 1, threading.get_ident()

        def synchronous(number: int) -> tuple[int, int]:
            return number + 2, threading.get_ident()

        def job(number: int) -> list[tuple[int, int]]:
            assert threading.get_ident() != loop_thread
            call: Any = runtime.call_from_thread
            return [call(asynchronous, number), call(synchronous, number)]

        assert await runtime.run_in_thread(job, 1) == [(2, loop_thread), (3, loop_thread)]

    check(function)


def test_errors_of_threads(check: Callable[[Check], None]) -> None:
    async def function(runtime: Runtime) -> None:
        async def asynchronous() -> None:
            raise KeyError("of the loop")

        def job() -> None:
            call: Any = runtime.call_from_thread
            call(asynchronous)

        with pytest.raises(KeyError, match="of the loop"):
            await runtime.run_in_thread(job)

    check(function)


def test_threads_see_the_context_of_their_caller(check: Callable[[Check], None]) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="outside")

    async def function(runtime: Runtime) -> None:
        variable.set("inside")
        assert await runtime.run_in_thread(variable.get) == "inside"

    check(function)
