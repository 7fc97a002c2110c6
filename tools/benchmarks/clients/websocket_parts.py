"""What the connections of a load have to do: have messages echoed, or broadcast them.

Knows: what is sent, and what has to come then.
Must not know: sockets, or the frames that messages are in.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Protocol

from benchmarks.clients import websocket
from benchmarks.clients.websocket import WebSocketError

# So many different messages has a connection, for a server may remember what it has seen.
VARIETY = 16
# In a message of a broadcast, the digits of its sender's number, and those of its own.
_BROADCAST = b"%03d%04d"
MOST_BROADCASTS = 10_000
_WORDS = ("open", "closed", "pending", "london", "berlin", "tokyo", "price", "volume", "last")


class Part(Protocol):
    """What one connection has to do."""

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to do."""

    def begin(self) -> bytes:
        """Give what is sent at first."""

    def receive(self, messages: list[tuple[int, bytes]]) -> bytes:
        """Look at what came, and give what is sent then.

        Raises:
            WebSocketError: it is not what should have come.
        """


class Echo:
    """Sends messages, of which so many are under way at once, and gets each of them back."""

    def __init__(
        self,
        payloads: Sequence[bytes],
        opcode: int,
        window_bits: int | None,
        count: int,
        depth: int,
    ) -> None:
        self._awaited = itertools.cycle([(opcode, payload) for payload in payloads])
        self._frames = itertools.cycle(
            [websocket.message(opcode, each, window_bits) for each in payloads]
        )
        self._left = count
        self._depth = depth
        self._sent = self._received = 0

    @property
    def is_complete(self) -> bool:
        """Whether everything has come back."""
        return self._received == self._sent and not self._left

    def begin(self) -> bytes:
        """Give the first messages."""
        return self._next(self._depth)

    def receive(self, messages: list[tuple[int, bytes]]) -> bytes:
        """Look at messages that came back, and give as many others.

        Raises:
            WebSocketError: a message is not what was sent.
        """
        for each, awaited in zip(messages, self._awaited, strict=False):
            if each != awaited:
                raise WebSocketError(f"{awaited!r:.200} came back as {each!r:.200}")
        self._received += len(messages)
        return self._next(len(messages))

    def _next(self, count: int) -> bytes:
        count = min(count, self._left)
        self._left -= count
        self._sent += count
        return b"".join(itertools.islice(self._frames, count))


class Broadcast:
    """Sends all of its messages at once, and gets those of everybody, in each one's order."""

    def __init__(self, number: int, connections: int, count: int) -> None:
        self._number = number
        self._count = count
        self._next = [0] * connections
        self._awaited = connections * count

    @property
    def is_complete(self) -> bool:
        """Whether everything has come."""
        return not self._awaited

    def begin(self) -> bytes:
        """Give all messages."""
        payloads = (_BROADCAST % (self._number, n) for n in range(self._count))
        return b"".join(websocket.message(websocket.BINARY, each) for each in payloads)

    def receive(self, messages: list[tuple[int, bytes]]) -> bytes:
        """Look at the messages of everybody; there is nothing to say to them.

        Raises:
            WebSocketError: one is not its sender's next.
        """
        for opcode, payload in messages:
            sender, number = divmod(int(payload), MOST_BROADCASTS)
            if opcode != websocket.BINARY or self._next[sender] != number:
                raise WebSocketError(f"{payload!r} came out of its turn")
            self._next[sender] += 1
        self._awaited -= len(messages)
        return b""


def payloads(number: int, size: int, is_text: bool) -> list[bytes]:
    """Make the messages of the connection of that number: JSON as it is seen, or noise."""
    source = random.Random(number)
    make = _json if is_text else random.Random.randbytes
    return [make(source, size) for _ in range(VARIETY)]


def _json(source: random.Random, size: int) -> bytes:
    records: list[str] = []
    length = 0
    while length < size:
        word, number = source.choice(_WORDS), source.randrange(10**6)
        records.append(f'{{"{word}":{number},"value":{source.random():.4f}}}')
        length += len(records[-1]) + 1
    return f"[{','.join(records)}]".encode()[:size]
