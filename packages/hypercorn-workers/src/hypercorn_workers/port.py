"""The port: all that the core needs of an event loop and of a transport.

Knows: the two interfaces that a backend implements.
Must not know: HTTP, applications, or any one event loop.

Whatever a backend calls on a :class:`~hypercorn_workers.connection.Connection` it calls from the
loop's thread, never from within a call that the connection made, and never from an application's
task: requests then start in a context of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from hypercorn_asgi.ports import Wakeup

__all__ = ["Cancellable", "Peer", "Runtime", "Transport", "Wakeup"]

T = TypeVar("T")


class Cancellable(Protocol):
    """A task or a timer. Cancelling what is over does nothing."""

    def cancel(self) -> Any:
        """Ask it to end."""


class Runtime(Protocol):
    """What an event loop does for the core."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""

    def spawn(self, coroutine: Coroutine[Any, Any, None], /) -> Cancellable:
        """Run a coroutine as a task with a context of its own, at once if the loop can.

        The caller keeps what is returned until the coroutine has ended."""

    def call_soon(self, callback: Callable[[], object], /) -> None:
        """Call back on the loop's next turn."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Cancellable:
        """Call back in ``delay`` seconds."""

    def create_wakeup(self) -> Wakeup:
        """A new wakeup."""

    async def run_in_thread(self, function: Callable[..., T], /, *args: Any) -> T:
        """Run a blocking function in a thread and return its result."""

    def call_from_thread(
        self, function: Callable[..., Awaitable[T]] | Callable[..., T], /, *args: Any
    ) -> T:
        """Call a function in the loop from a thread of :meth:`run_in_thread`; wait for it."""


class Transport(Protocol):
    """A connected socket, clear or TLS. Its backend tells the connection of everything."""

    def write(self, data: bytes, /) -> None:
        """Send, later if need be. May call ``pause_writing`` on the connection."""

    def buffered(self) -> int:
        """How many bytes wait to be sent."""

    def pause_reading(self) -> None:
        """Stop reading; the peer is held up by its transport's flow control."""

    def resume_reading(self) -> None:
        """Read again."""

    def half_close(self) -> bool:
        """End the output once it is sent, and read on. False if this transport cannot."""

    def close(self) -> None:
        """Send what waits, then close."""

    def abort(self) -> None:
        """Close at once, in a way that the peer sees as a failure."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at both ends of a connection."""

    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    """For a unix socket its path and None."""
    tls: dict[str, Any] | None = None
    """The ASGI ``tls`` extension, if the connection is encrypted."""
    alpn: str | None = None
    """The protocol that the TLS handshake chose (RFC 7301); None if it chose none."""
