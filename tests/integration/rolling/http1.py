"""Clients that speak HTTP/1.1, by h11 over a socket each.

Knows: how each kind asks, and when it may connect anew.
Must not know: what is done to the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import h11

from tests.integration.rolling.app import WORKER, pieces
from tests.integration.rolling.clients import Client, Disorder, Stream, connect

__all__ = ["HTTP1_CLIENTS"]

_BATCH = 10
_DRIP = 0.05  # seconds between the pieces of a request or an answer that is slow


class HTTP1Client(Client):
    """Keeps its connection until the server ends it between two rounds, or says that it will."""

    pause = 0.01
    """How long it thinks before each round, in seconds."""

    _stream: Stream | None = None

    async def round(self) -> None:
        await asyncio.sleep(self.pause)
        if self._stream is not None and self._stream.has_ended:
            await self.leave()
        if self._stream is None:
            self.begin_connection()
            self._stream = await connect(self.endpoint, self.endpoint.context)
        if not await self.ask(self._stream):
            await self.leave()

    async def ask(self, stream: Stream) -> bool:
        """Ask on a connection; whether it may be used again."""
        request = Request(self, "now")
        stream.send(request.head + request.end)
        return await request.read_answer(stream)

    async def leave(self) -> None:
        if self._stream is not None:
            await self._stream.close()
            self._stream = None


class Request:
    """A request and its answer, of which only whole ones count."""

    def __init__(self, client: Client, route: str, content: bytes = b"", *fields: str) -> None:
        self.unread = b""
        """What has come behind the answer."""
        self._client = client
        self._target = client.new_target(route).encode()
        self._expected = b"".join(pieces(self._target, content))
        self._h11 = h11.Connection(h11.CLIENT)
        headers = [("host", client.endpoint.netloc), ("content-length", str(len(content)))]
        headers += [("connection", field) for field in fields]
        self.head = self._send(h11.Request(method="POST", target=self._target, headers=headers))
        self.content = self._send(h11.Data(content))
        self.end = self._send(h11.EndOfMessage())

    def _send(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> bytes:
        return self._h11.send(event) or b""

    async def read_answer(self, stream: Stream, unread: bytes = b"", *, drip: float = 0.0) -> bool:
        """Read the answer; whether the connection may be used again.

        Args:
            stream: where it comes.
            unread: has come already.
            drip: how long to wait before each piece is read, in seconds.
        """
        body = b""
        if unread:
            self._h11.receive_data(unread)
        while not isinstance(event := self._next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                self._see_head(event)
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                await asyncio.sleep(drip)
                self._h11.receive_data(await stream.receive())
        if body != self._expected:
            raise Disorder(f"{self._target!r} was answered by {body[:100]!r}")
        self._client.answered(self._worker)
        self.unread = self._h11.trailing_data[0]
        return self._h11.our_state is h11.DONE

    def _next_event(self) -> object:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise Disorder(f"{self._target!r} was not answered: {error}") from error

    def _see_head(self, response: h11.Response) -> None:
        self._worker = dict(response.headers).get(WORKER, b"0")
        self._client.met(self._worker)
        if response.status_code != 200:
            raise Disorder(f"{self._target!r} was answered {response.status_code}")


class Busy(HTTP1Client):
    kind = "keep-alive"


class Thinking(HTTP1Client):
    """Leaves its connection idle most of the time."""

    kind = "keep-alive, thinking"
    pause = 0.1


class Fresh(HTTP1Client):
    """Connects for each request: finds connections that nobody accepts."""

    kind = "a connection each"
    pause = 0.05

    async def ask(self, stream: Stream) -> bool:
        await super().ask(stream)
        return False


class Farewell(HTTP1Client):
    """The same, and says so."""

    kind = "connection: close"
    pause = 0.05

    async def ask(self, stream: Stream) -> bool:
        request = Request(self, "now", b"", "close")
        stream.send(request.head + request.end)
        assert not await request.read_answer(stream)
        if await stream.receive():
            raise Disorder("more than an answer")
        return False


class Pipelining(HTTP1Client):
    """Sends some requests at once; the answers come in order."""

    kind = "pipelining"
    pause = 0.05

    async def ask(self, stream: Stream) -> bool:
        batch = [Request(self, "now", b"some content") for _ in range(_BATCH)]
        stream.send(b"".join(each.head + each.content + each.end for each in batch))
        return await _read_answers(stream, batch)


class PipeliningMuch(HTTP1Client):
    """The same with answers that take their time, and a pause: for most of it, some wait."""

    kind = "pipelining, slow answers"
    pause = 0.02

    async def ask(self, stream: Stream) -> bool:
        batch = [Request(self, route) for route in ("now", "slowly", "much", "now")]
        stream.send(b"".join(each.head + each.end for each in batch))
        return await _read_answers(stream, batch)


async def _read_answers(stream: Stream, batch: Sequence[Request]) -> bool:
    unread, lasts = b"", True
    for number, request in enumerate(batch):
        if not lasts:
            raise Disorder(f"{len(batch) - number} of {len(batch)} requests were not answered")
        lasts = await request.read_answer(stream, unread)
        unread = request.unread
    return lasts


class SlowSender(HTTP1Client):
    """Sends a request bit by bit, head and content."""

    kind = "slow sender"

    async def ask(self, stream: Stream) -> bool:
        request = Request(self, "now", b"0123456789")
        data = request.head + request.content + request.end
        size = len(data) // 12 + 1
        for at in range(0, len(data), size):
            stream.send(data[at : at + size])
            await asyncio.sleep(_DRIP)
        return await request.read_answer(stream)


class SlowReader(HTTP1Client):
    """Reads a long answer bit by bit."""

    kind = "slow reader"

    async def ask(self, stream: Stream) -> bool:
        request = Request(self, "much")
        stream.send(request.head + request.end)
        return await request.read_answer(stream, drip=_DRIP)


class SlowlyAnswered(HTTP1Client):
    """Asks for what takes the application its time."""

    kind = "slow answer"

    async def ask(self, stream: Stream) -> bool:
        request = Request(self, "slowly")
        stream.send(request.head + request.end)
        return await request.read_answer(stream)


HTTP1_CLIENTS = (
    Busy,
    Thinking,
    Fresh,
    Farewell,
    Pipelining,
    PipeliningMuch,
    SlowSender,
    SlowReader,
    SlowlyAnswered,
)
