"""An event loop that a test turns by hand: a number for a clock, a list for a transport.

Knows: the port (:mod:`hypercorn_workers.port`), which it implements without any I/O.
Must not know: what a connection does with it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from itertools import count
from typing import Any, TypeVar

from hypercorn_workers import Connection, NullObserver, Observer, Peer, Worker, WorkerSettings

T = TypeVar("T")
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Coroutine[Any, Any, None]]

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
PEER = Peer(("192.0.2.7", 4711), ("198.51.100.1", 8000))


class Cancelled(BaseException):
    """What a cancelled task raises."""


class HandTask:
    """A coroutine that goes on when it is told to."""

    def __init__(self, runtime: HandRuntime, coroutine: Coroutine[Any, Any, None]) -> None:
        self._runtime = runtime
        self._coroutine = coroutine
        self._cancelled = False
        self.waits_for: HandWakeup | None = None
        self.ended = False

    def step(self) -> None:
        """Run to where it waits next."""
        if self.ended:
            return
        self.waits_for = None
        try:
            if self._cancelled:
                self._cancelled = False
                wakeup = self._coroutine.throw(Cancelled())
            else:
                wakeup = self._coroutine.send(None)
        except (StopIteration, Cancelled):
            self.ended = True
        else:
            self.waits_for = wakeup
            wakeup.waiting.append(self)

    def cancel(self) -> None:
        """Raise Cancelled in it, soon."""
        if not self.ended:
            self._cancelled = True
            if self.waits_for is not None:
                self.waits_for.waiting.remove(self)
            self._runtime.call_soon(self.step)


class HandWakeup:
    """A wakeup; who waits for it is in ``waiting``."""

    def __init__(self, runtime: HandRuntime) -> None:
        self._runtime = runtime
        self.waiting: list[HandTask] = []

    def set(self) -> None:
        """Wake all that wait now."""
        waiting, self.waiting = self.waiting, []
        for task in waiting:
            task.waits_for = None
            self._runtime.call_soon(task.step)

    async def wait(self) -> None:
        """Wait for the next set()."""
        await _Suspension(self)


class _Suspension:
    def __init__(self, wakeup: HandWakeup) -> None:
        self._wakeup = wakeup

    def __await__(self) -> Generator[HandWakeup, None, None]:
        yield self._wakeup


class HandTimer:
    """A callback that is due at a time."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Do not call back."""
        self.callback = None


class HandRuntime:
    """A Runtime whose time stands still until somebody advances it.

    Args:
        eager: whether tasks start at once, as on asyncio since Python 3.12, or on the next turn.
        early: by which part of their delay timers fire too early, as they may on uvloop.
    """

    def __init__(self, eager: bool = True, early: float = 0.0) -> None:
        self.time = 1000.0
        self.eager = eager
        self.early = early
        self.timers_made = 0
        self._soon: deque[Callable[[], object]] = deque()
        self._timers: list[tuple[float, int, HandTimer]] = []
        self._order = count()

    # The port.

    def now(self) -> float:
        return self.time

    def spawn(self, coroutine: Coroutine[Any, Any, None], /) -> HandTask:
        task = HandTask(self, coroutine)
        if self.eager:
            task.step()
        else:
            self.call_soon(task.step)
        return task

    def call_soon(self, callback: Callable[[], object], /) -> None:
        self._soon.append(callback)

    def call_later(self, delay: float, callback: Callable[[], object], /) -> HandTimer:
        timer = HandTimer(callback)
        self.timers_made += 1
        at = self.time + delay * (1 - self.early)
        heapq.heappush(self._timers, (at, next(self._order), timer))
        return timer

    def create_wakeup(self) -> HandWakeup:
        return HandWakeup(self)

    async def run_in_thread(self, function: Callable[..., T], /, *args: Any) -> T:
        return function(*args)

    def call_from_thread(
        self, function: Callable[..., Awaitable[T]] | Callable[..., T], /, *args: Any
    ) -> T:
        raise NotImplementedError("there is no thread")

    # The test's side.

    def turn(self) -> int:
        """Run what is due on one turn of the loop and return how much that was."""
        due = len(self._soon)
        for _ in range(due):
            self._soon.popleft()()
        return due

    def settle(self) -> None:
        """Turn until nothing is left to do at this time."""
        turns = 0
        while self.turn():
            turns += 1
            assert turns < 100_000, "this never settles"

    def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        until = self.time + seconds
        self.settle()
        while self._timers and self._timers[0][0] <= until:
            at, _, timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                self.time = max(self.time, at)
                timer.callback()
                self.settle()
        self.time = until

    @property
    def pending_timers(self) -> int:
        """How many timers would still fire."""
        return sum(timer.callback is not None for _, _, timer in self._timers)


class HandTransport:
    """A Transport whose peer takes what the test says.

    Args:
        runtime: for what happens soon.
        high_water: as much may wait before the connection is told to pause.
        half_closes: whether it can end its output alone; TLS cannot.
    """

    def __init__(
        self, runtime: HandRuntime, high_water: int = 65_536, half_closes: bool = True
    ) -> None:
        self.connection: Connection | None = None
        self.writes: list[bytes] = []
        self.takes_all = True
        self.waiting = 0
        self._reading = True
        self.state = "open"
        self._runtime = runtime
        self._high_water = high_water
        self._half_closes = half_closes
        self._paused = False

    @property
    def output(self) -> bytes:
        """Everything that was written."""
        return b"".join(self.writes)

    def is_read(self) -> bool:
        """Whether the peer is read from."""
        return self._reading

    # The port.

    def write(self, data: bytes, /) -> None:
        if self.state == "lost":
            return  # as transports do until they have told
        assert self.state == "open", f"written when {self.state}"
        self.writes.append(data)
        if not self.takes_all:
            self.waiting += len(data)
            if self.waiting > self._high_water and not self._paused:
                self._paused = True
                assert self.connection is not None
                self.connection.pause_writing()

    def buffered(self) -> int:
        return self.waiting

    def pause_reading(self) -> None:
        assert self._reading
        self._reading = False

    def resume_reading(self) -> None:
        assert not self._reading
        self._reading = True

    def half_close(self) -> bool:
        if self._half_closes:
            self.state = "half-closed"
        return self._half_closes

    def close(self) -> None:
        self.state = "closing"
        self._finish_closing()

    def abort(self) -> None:
        self.state = "aborted"
        self.waiting = 0
        self._lose()

    # The peer's side.

    def take(self, size: int) -> None:
        """The peer takes so much of what waits."""
        assert size <= self.waiting
        self.waiting -= size
        if self._paused and self.waiting <= self._high_water // 4:
            self._paused = False
            if self.connection is not None:
                self.connection.resume_writing()
        if self.state == "closing":
            self._finish_closing()

    def lose(self) -> None:
        """The connection is gone."""
        self.state = "lost"
        self._lose()

    def _finish_closing(self) -> None:
        if not self.waiting:
            self.state = "closed"
            self._lose()

    def _lose(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            self._runtime.call_soon(connection.connection_lost)


class Bench:
    """A worker with one connection, and everything to drive them by.

    Args:
        app: the application.
        settings: the worker's.
        observer: the worker's.
        eager: see HandRuntime.
        half_closes: see HandTransport.
    """

    def __init__(
        self,
        app: App,
        settings: WorkerSettings | None = None,
        observer: Observer | None = None,
        *,
        eager: bool = True,
        half_closes: bool = True,
    ) -> None:
        self.runtime = HandRuntime(eager)
        settings = settings or WorkerSettings(response_headers=lambda protocol: ())
        self.worker = make_worker(app, self.runtime, settings, observer)
        self.transport = HandTransport(self.runtime, settings.write_buffer, half_closes)
        self.connection = Connection(self.worker, self.transport, PEER)
        self.transport.connection = self.connection

    def receive(self, data: bytes) -> None:
        """The peer sends; whatever follows at once, happens."""
        assert self.transport.is_read(), "it would not have been read"
        self.connection.data_received(data)
        self.runtime.settle()

    def end_input(self) -> None:
        """The peer sends nothing more."""
        self.connection.eof_received()
        self.runtime.settle()

    @property
    def is_over(self) -> bool:
        """Whether nothing of the connection is left."""
        return not self.worker.connections and not self.runtime.pending_timers


def make_worker(
    app: App,
    runtime: HandRuntime,
    settings: WorkerSettings,
    observer: Observer | None = None,
) -> Worker:
    """Make a worker."""
    return Worker(app, runtime, settings, observer or NullObserver())


# Applications.


async def start(send: Send, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    """Begin an answer."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def body(send: Send, data: bytes, *, more: bool = False) -> None:
    """Send content."""
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def hello(scope: Any, receive: Receive, send: Send) -> None:
    """Answer at once."""
    await start(send)
    await body(send, b"Hello")


HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHello"


class Idler:
    """An application that waits for what never comes."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Wait."""
        self.calls += 1
        await _Suspension(HandWakeup(HandRuntime()))


async def read(receive: Receive) -> bytes:
    """Read all of the content."""
    data = b""
    while True:
        message = await receive()
        data += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return data


class Stream:
    """An application that sends pieces of one size as fast as it can, and counts them."""

    def __init__(self, size: int, pieces: int) -> None:
        self.size = size
        self.pieces = pieces
        self.sent = 0
        self.error: BaseException | None = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Stream."""
        await start(send)
        try:
            for _ in range(self.pieces):
                await body(send, b"x" * self.size, more=True)
                self.sent += 1
            await body(send, b"")
        except BaseException as error:
            self.error = error
            raise


class Waiter:
    """An application that reads message after message and keeps them, to a disconnect."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Wait for the disconnect."""
        while not self.messages or self.messages[-1]["type"] != "http.disconnect":
            self.messages.append(await receive())


class Notes(NullObserver):
    """An observer that notes what it is told."""

    observes_requests = True

    def __init__(self) -> None:
        self.finished: list[tuple[int | None, bool, float]] = []
        self.failed: list[BaseException] = []
        self.unsupported: list[BaseException | None] = []
        self.addresses: list[str] = []

    async def request_finished(self, scope: Any, response: Any, duration: float) -> None:
        status, complete = (
            (None, False) if response is None else (response.status, response.complete)
        )
        self.finished.append((status, complete, duration))

    async def application_failed(self, scope: Any, error: BaseException) -> None:
        self.failed.append(error)

    async def lifespan_unsupported(self, error: BaseException | None) -> None:
        self.unsupported.append(error)

    async def listening(self, addresses: Sequence[str]) -> None:
        self.addresses += addresses
