"""A runtime and a transport that are driven by hand: time is a number, a socket a list.

Knows: the port of hypercorn_workers, and how to step coroutines.
Must not know: any event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from hypercorn_protocols import HTTP1Settings
from hypercorn_workers import Connection, NullObserver, Observer, Peer, Worker, WorkerSettings

PEER = Peer(("127.0.0.1", 50_000), ("127.0.0.1", 80))
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Cancelled(BaseException):
    """What a cancelled task is told."""


class Task:
    """A coroutine that is stepped whenever its runtime runs."""

    def __init__(self, runtime: Runtime, coroutine: Coroutine[Any, Any, None]) -> None:
        self._runtime = runtime
        self._coroutine = coroutine
        self.done = False
        runtime.ready.append(self.step)

    def step(self, error: BaseException | None = None) -> None:
        if self.done:
            return
        try:
            wakeup = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
        except (StopIteration, Cancelled):
            self.done = True
        else:
            wakeup.waiting.append(self)

    def cancel(self) -> None:
        self._runtime.ready.append(lambda: self.step(Cancelled()))


class Wakeup:
    """See :class:`hypercorn_workers.port.Wakeup`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.waiting: list[Task] = []

    def set(self) -> None:
        for task in self.waiting:
            self._runtime.ready.append(task.step)
        self.waiting.clear()

    async def wait(self) -> None:
        await _Suspension(self)


class _Suspension:
    """Hands the wakeup that a task waits for to whoever steps it."""

    def __init__(self, wakeup: Wakeup) -> None:
        self._wakeup = wakeup

    def __await__(self) -> Generator[Wakeup, None, None]:
        yield self._wakeup


class Timer:
    def __init__(self, at: float, callback: Callable[[], object]) -> None:
        self.at = at
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Runtime:
    """See :class:`hypercorn_workers.port.Runtime`."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.ready: deque[Callable[[], object]] = deque()
        self.timers: list[Timer] = []

    def now(self) -> float:
        return self.time

    def spawn(self, coroutine: Coroutine[Any, Any, None], /) -> Task:
        return Task(self, coroutine)

    def call_soon(self, callback: Callable[[], object], /) -> None:
        self.ready.append(callback)

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        timer = Timer(self.time + delay, callback)
        self.timers.append(timer)
        return timer

    def create_wakeup(self) -> Wakeup:
        return Wakeup(self)

    async def run_in_thread(self, function: Callable[..., Any], /, *args: Any) -> Any:
        return function(*args)

    def call_from_thread(self, function: Callable[..., Any], /, *args: Any) -> Any:
        raise AssertionError("there are no threads here")

    # For tests.

    def run(self) -> None:
        """Do all that can be done now."""
        while self.ready:
            self.ready.popleft()()

    def advance(self, seconds: float) -> None:
        """Let time pass, with the timers that are due on the way."""
        end = self.time + seconds
        self.run()
        while True:
            due = [t for t in self.timers if t.callback is not None and t.at <= end]
            if not due:
                break
            timer = min(due, key=lambda t: t.at)
            self.timers.remove(timer)
            self.time = max(self.time, timer.at)
            assert timer.callback is not None
            timer.callback()
            self.run()
        self.time = end


class Transport:
    """See :class:`hypercorn_workers.port.Transport`; ``sent`` is what the peer has been sent."""

    def __init__(self, half_closes: bool = True) -> None:
        self.sent = b""
        self.writes = 0
        self.reading = True
        self.half_closed = False
        self.closed = False
        self.aborted = False
        self.waiting = 0
        """Bytes that the peer does not take; set by tests."""
        self._half_closes = half_closes

    # Asked by tests; as methods, because their answers change between two questions.

    def is_open(self) -> bool:
        return not (self.closed or self.aborted or self.half_closed)

    def is_read(self) -> bool:
        return self.reading

    def is_closed(self) -> bool:
        return self.closed

    def is_aborted(self) -> bool:
        return self.aborted

    def write(self, data: bytes, /) -> None:
        assert data
        assert self.is_open()
        self.sent += data
        self.writes += 1

    def buffered(self) -> int:
        return self.waiting

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def half_close(self) -> bool:
        assert not self.half_closed
        self.half_closed = self._half_closes
        return self._half_closes

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class Hand:
    """A worker with one connection."""

    def __init__(
        self,
        app: Any,
        observer: Observer | None = None,
        half_closes: bool = True,
        http1: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.runtime = Runtime()
        chosen = WorkerSettings(
            http1=HTTP1Settings(**(http1 or {})),
            **{"response_headers": lambda protocol: [(b"server", b"hand")], **settings},
        )
        self.worker = Worker(app, self.runtime, chosen, observer or NullObserver())
        self.transport = Transport(half_closes)
        self.connection = Connection(self.worker, self.transport, PEER)

    def receive(self, data: bytes) -> None:
        """The peer sends something."""
        self.connection.data_received(data)
        self.runtime.run()

    def sent(self) -> bytes:
        """What the peer has been sent since the last call."""
        data, self.transport.sent = self.transport.sent, b""
        return data
