"""What every exchange between a client and an application has: a task, a clock, and waiting.

Knows: how an application is run and what its end means, who waits for what, and when an exchange
is reported.
Must not know: messages, or what is served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypercorn_asgi.errors import ClientDisconnected
from hypercorn_asgi.ports import ServedResponse, Server, Wakeup
from hypercorn_asgi.typing import ASGIFramework, WWWScope

__all__ = ["Exchange", "as_bytes"]


class Exchange:
    """The application's side of one stream. Never made itself.

    Args:
        server: what the stream is on.
        stream_id: the stream.
        scope: what the client asked for.
    """

    __slots__ = (
        "_congested",
        "_duration",
        "_observed",
        "_receive_wakeup",
        "_send_wakeup",
        "_server",
        "_started_at",
        "ended",
        "scope",
        "stream_id",
        "task",
    )

    def __init__(self, server: Server, stream_id: int, scope: WWWScope) -> None:
        self._server: Server = server
        self.stream_id = stream_id
        self.scope = scope
        self.task: Any = None
        """The server's handle on the task that runs :meth:`run`; not used here."""
        self.ended: Callable[[Any], object] = _ignore
        """Called when :meth:`run` is over."""
        self._congested = False
        self._receive_wakeup: Wakeup | None = None
        self._send_wakeup: Wakeup | None = None
        self._observed = not server.observes_requests
        self._started_at = 0.0 if self._observed else server.now()
        self._duration: float | None = None

    # Running the application.

    async def run(self, app: ASGIFramework) -> None:
        """Run the application to its end, whatever that is, then call :attr:`ended`.

        Raises only what is not an :class:`Exception`: cancellation, and what is meant to end the
        process."""
        try:
            try:
                await app(self.scope, self.receive, self.send)
            except Exception as error:
                if not (self._client_has_left() and _tells_of_disconnect(error)):
                    self._give_up(500)
                    await self._server.observer.application_failed(self.scope, error)
            else:
                self._give_up(500)
            if not self._observed:
                await self._report()
        except BaseException:
            self._give_up(503)  # cancelled: the server is going
            raise
        finally:
            self.ended(self)

    async def receive(self) -> Any:
        """ASGI ``receive``."""
        raise NotImplementedError

    async def send(self, message: Any) -> None:
        """ASGI ``send``."""
        raise NotImplementedError

    def _client_has_left(self) -> bool:
        raise NotImplementedError

    def _give_up(self, status: int) -> None:
        """The application will send nothing more: answer for it, or show that it stopped."""
        raise NotImplementedError

    # What is reported.

    def _response(self) -> ServedResponse | None:
        """What has been answered."""
        raise NotImplementedError

    def _stop_clock(self) -> None:
        """The answer is complete, or will never be."""
        if not self._observed:
            self._duration = self._server.now() - self._started_at

    async def _report(self) -> None:
        """Report the request, once."""
        self._observed = True
        duration = self._duration
        if duration is None:
            duration = self._server.now() - self._started_at
        await self._server.observer.request_finished(self.scope, self._response(), duration)

    # Waiting.

    def congested(self, congested: bool) -> None:
        """Whether so much waits to be sent that the application should wait."""
        self._congested = congested
        if not congested and self._send_wakeup is not None:
            self._send_wakeup.set()

    async def _drain(self) -> None:
        if self._send_wakeup is None:
            self._send_wakeup = self._server.create_wakeup()
        while self._congested:
            await self._send_wakeup.wait()

    async def _wait_for_news(self) -> None:
        if self._receive_wakeup is None:
            self._receive_wakeup = self._server.create_wakeup()
        await self._receive_wakeup.wait()

    def _wake_receive(self) -> None:
        if self._receive_wakeup is not None:
            self._receive_wakeup.set()


def as_bytes(body: object) -> bytes:
    """What an application gave for bytes, in a form that it cannot write into any more."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    raise TypeError(f"the body of a message must be bytes, not {type(body).__name__}")


def _tells_of_disconnect(error: BaseException) -> bool:
    """Whether an application passes on, perhaps in its framework's words, that its client left.

    What Python itself raises while the news is handled is a defect of the application's."""
    nested: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    if nested:
        return all(_tells_of_disconnect(each) for each in nested)
    if type(error).__module__ == "builtins" and not isinstance(error, OSError):
        return False
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ClientDisconnected):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _ignore(exchange: Exchange) -> None:
    """Nobody wants to know that an exchange has ended."""
