"""What comes of a client's bytes: a WebSocket played to its end, over one engine."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from random import Random
from typing import TypeGuard

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.settings import WebSocketEngineName, WebSocketSettings
from hypercorn_protocols.websocket import (
    MessageMemory,
    MessageReceived,
    WebSocket,
    WebSocketClosed,
    WebSocketEvent,
)
from hypercorn_protocols.websocket.deflate import Deflate

ENGINES: list[WebSocketEngineName] = ["builtin", "websockets", "wsproto"]
SETTINGS = WebSocketSettings(
    max_message_size=100_000, max_message_buffer=300, deflate_min_size=10, deflate_window_bits=12
)

# What a peer is told that broke the rules.
_MISTAKES = frozenset((1002, 1007, 1008, 1009))


@dataclass
class Play:
    """What was handed out and what was sent."""

    events: list[WebSocketEvent] = field(default_factory=list)
    output: bytes = b""
    echoed: list[str | bytes] = field(default_factory=list)


class Player:
    """An application and a clock around one WebSocket.

    Args:
        engine: which one.
        random: decides what the application does, or None for one that only listens.
        deflate: whether permessage-deflate was agreed to.
    """

    def __init__(
        self, engine: WebSocketEngineName, random: Random | None = None, *, deflate: bool = False
    ) -> None:
        settings = replace(SETTINGS, engine=engine)
        codec = Deflate(settings, compressor_bits=12, inflater_bits=12) if deflate else None
        self.now = 100.0
        self.websocket = WebSocket(settings, codec, MessageMemory(), self.now)
        self.play = Play()
        self._random = random
        self._closed = False  # by the application, or it has been told so

    def receive(self, pieces: Sequence[bytes]) -> None:
        """The client sends."""
        for piece in pieces:
            self._take(self.websocket.receive_data(piece, self.now))
            if self._random is not None and self._random.random() < 0.1:
                self.now += self._random.choice((0.5, 25.0))
                self._take(self.websocket.handle_deadline(self.now))

    def wait(self) -> None:
        """Time passes, until nothing is waited for any more."""
        for _ in range(20):
            if self.websocket.deadline == inf:
                return
            self.now = max(self.now, self.websocket.deadline)
            self._take(self.websocket.handle_deadline(self.now))
        raise AssertionError("a deadline after the other, and no end")

    def _take(self, events: list[WebSocketEvent]) -> None:
        self._act(events)
        while self.websocket.has_more:
            events = self.websocket.proceed(self.now)
            self._act(events)
        self.play.output += self.websocket.data_to_send()

    def _act(self, events: list[WebSocketEvent]) -> None:
        self.play.events += events
        for event in events:
            if isinstance(event, WebSocketClosed):
                self._closed = True
                self.websocket.finish(self.now)
            elif self._random is not None and not self._closed:
                self._answer(event, self._random)

    def _answer(self, event: MessageReceived, random: Random) -> None:
        kind = random.random()
        if kind < 0.6:
            self.websocket.send_message(event.data)
            self.play.echoed.append(event.data)
        elif kind < 0.7:
            self._closed = True
            self.websocket.close(random.choice((1000, 1001, 3000, 4999)), "é" * 80, self.now)
        elif kind < 0.75:
            self._closed = True
            self._take(self.websocket.go_away(1012, self.now))
        elif kind < 0.8:
            try:
                self.websocket.close(random.choice((0, 999, 1004, 1005, 1006, 1015, 5000)), "", 0)
            except LocalProtocolError:
                return
            raise AssertionError("a code that may not be sent")


def frames_of(output: bytes) -> list[tuple[int, bytes]]:
    """First bytes and payloads of a server's frames; asserts that they are complete."""
    frames = []
    at = 0
    while at < len(output):
        first, size = output[at : at + 2]
        at += 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size = int.from_bytes(output[at : at + width], "big")
            at += width
        assert at + size <= len(output), "an incomplete frame, or a masked one"
        frames.append((first, output[at : at + size]))
        at += size
    return frames


def check_output(play: Play) -> None:
    """A client understands all that was sent, and it is what was meant."""
    inflater = zlib.decompressobj(-12)
    received: list[str | bytes] = []
    frames = frames_of(play.output)
    for first, payload in frames:
        if first & 0x40:
            payload = inflater.decompress(payload + b"\x00\x00\xff\xff")
        if first & 0xBF == 0x81:
            received.append(payload.decode())
        elif first & 0xBF == 0x82:
            received.append(payload)
        else:
            assert first in {0x88, 0x89, 0x8A}
            assert len(payload) <= 125
            if first == 0x88 and payload:
                payload[2:].decode()
    closes = [at for at, (first, _) in enumerate(frames) if first == 0x88]
    assert closes in ([], [len(frames) - 1]), "frames behind Close"
    assert received == play.echoed


def listen(
    engine: WebSocketEngineName, pieces: Sequence[bytes], *, deflate: bool
) -> list[WebSocketEvent]:
    """What an application is told that says nothing, until the input ends."""
    player = Player(engine, deflate=deflate)
    player.receive(pieces)
    events = list(player.play.events)
    player.wait()
    check_output(player.play)
    return events


def is_alike(
    engine: WebSocketEngineName, events: list[WebSocketEvent], expected: list[WebSocketEvent]
) -> bool:
    """Whether an engine hands out what another one does.

    What it says of mistakes is in its own words; and those that wait for all of a frame, or at
    least for some of its payload, do not get to see the mistake in one that does not come so far.
    """
    events, expected = _without_words(events), _without_words(expected)
    if events == expected:
        return True
    last = expected[-1] if expected else None
    if engine == "builtin" or not _is_mistake(last):
        return False
    return events in (expected[:-1], [*expected[:-1], WebSocketClosed(1006, "")])


def _without_words(events: list[WebSocketEvent]) -> list[WebSocketEvent]:
    return [WebSocketClosed(event.code, "") if _is_mistake(event) else event for event in events]


def _is_mistake(event: WebSocketEvent | None) -> TypeGuard[WebSocketClosed]:
    return isinstance(event, WebSocketClosed) and event.code in _MISTAKES


def converse(
    engine: WebSocketEngineName, pieces: Sequence[bytes], random: Random, *, deflate: bool
) -> None:
    """Play it with an application that acts at random, and check what it sends."""
    player = Player(engine, random, deflate=deflate)
    player.receive(pieces)
    player.wait()
    check_output(player.play)
