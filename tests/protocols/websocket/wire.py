"""A WebSocket between an application and a client that the test plays, both by hand."""

from __future__ import annotations

import zlib
from typing import Any

from hypercorn_protocols.settings import WebSocketEngineName, WebSocketSettings
from hypercorn_protocols.websocket import (
    MessageMemory,
    MessageReceived,
    WebSocket,
    WebSocketClosed,
    WebSocketEvent,
)
from hypercorn_protocols.websocket.deflate import Deflate
from tests.websocket_peer import Frame, FrameReader, Opcode


class Wire:
    """A WebSocket, what it has handed out, and a client that checks each frame that it gets.

    Args:
        engine: which one.
        deflate: permessage-deflate is agreed to, without any parameters.
        memory: shared with others, if it is.
        settings: those of :class:`WebSocketSettings` that matter.
    """

    def __init__(
        self,
        engine: WebSocketEngineName = "builtin",
        *,
        deflate: bool = False,
        memory: MessageMemory | None = None,
        **settings: Any,
    ) -> None:
        self.settings = WebSocketSettings(engine=engine, **settings)
        codec = Deflate(self.settings) if deflate else None
        self.websocket = WebSocket(self.settings, codec, memory or MessageMemory(), 0.0)
        self._reader = FrameReader()

    def receive(self, *pieces: bytes, now: float = 0.0) -> list[WebSocketEvent]:
        """The client sends pieces; return all that comes of them."""
        events = []
        for piece in pieces:
            events += self.websocket.receive_data(piece, now) + self.rest(now)
        return events

    def rest(self, now: float = 0.0) -> list[WebSocketEvent]:
        """All that is still to be handed out."""
        events = []
        while self.websocket.has_more:
            events += self.websocket.proceed(now)
        return events

    def is_over(self) -> bool:
        """Whether the server ends the stream."""
        return self.websocket.ended

    def has_news(self) -> bool:
        """Whether there is something for the server to do."""
        return self.websocket.has_news

    def wait(self, now: float) -> list[WebSocketEvent]:
        """Time passes, deadline after deadline."""
        events = []
        while self.websocket.deadline <= now:
            events += self.websocket.handle_deadline(self.websocket.deadline)
        return events

    def sent(self) -> list[Frame]:
        """The frames that the client gets, since the last time."""
        self._reader.feed(self.websocket.data_to_send())
        frames = []
        while (frame := self._reader.next()) is not None:
            frames.append(frame)
        assert not self._reader.rest
        return frames

    def closure(self) -> tuple[int, str]:
        """What the Close says that is all that is sent."""
        (frame,) = self.sent()
        return frame.closure


def messages(*contents: str | bytes) -> list[WebSocketEvent]:
    """Events of messages."""
    return [MessageReceived(content) for content in contents]


def failure(wire: Wire, *pieces: bytes) -> int:
    """The code that the WebSocket fails with, and tells the peer, because of these pieces."""
    (event,) = wire.receive(*pieces)
    assert isinstance(event, WebSocketClosed)
    assert wire.sent() == []
    wire.websocket.finish(0.0)
    assert wire.closure() == (event.code, event.reason)
    return event.code


def pongs(frames: list[Frame]) -> list[bytes]:
    """The payloads of frames that are Pongs, as all have to be."""
    assert all(frame.opcode == Opcode.PONG for frame in frames)
    return [frame.payload for frame in frames]


def compress(content: bytes) -> bytes:
    """A message of its own, without what ends it (RFC 7692 section 7.2.1)."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
