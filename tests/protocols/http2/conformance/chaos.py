"""A client that makes mistakes at random: what does a connection do about any of them?"""

from __future__ import annotations

from random import Random

from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import (
    CONNECT,
    GET,
    HEAD,
    POST,
    Client,
    StreamEvent,
    head,
    literal,
)
from tests.protocols.http2.frames import PREFACE, Code, Frame, Setting


class Chaos:
    """A client that sends frames at random, most of them nearly right, to a server that answers.

    Args:
        random: what decides.
        engine: which one.
    """

    def __init__(self, random: Random, engine: HTTP2EngineName) -> None:
        self.random = random
        self.mistakes = random.choice((0.01, 0.1, 0.5))
        self.client = Client(
            engine, max_concurrent_streams=5, max_resets=20, max_header_list_size=500
        )
        self.answering: set[int] = set()
        self.events: list[StreamEvent] = []
        self.sent: list[Frame] = []
        self.client.upload()

    def stream_id(self) -> int:
        """A stream's identifier, as a rule of one that there is."""
        random = self.random
        if random.random() < self.mistakes:
            return random.choice((0, 1, 2, 9, 21, 2**31 - 1))
        return random.choice(sorted(self.client.unfinished) or [1])

    def block(self) -> bytes:
        """A field block, often of a valid request."""
        random = self.random
        fields = random.choice(
            (GET, POST, HEAD, head(b"GET", b""), [(b"x-sum", b"1")], [*GET, (b"X", b"\n")])
        )
        block = self.client.block(fields)
        if random.random() < self.mistakes / 2:
            block += random.choice((b"\x80", literal(b"x", b"v" * 700), random.randbytes(5)))
        return block

    def frame(self) -> bytes:
        """Some frame."""
        random, stream_id = self.random, self.stream_id()
        end = random.random() < 0.5
        size = random.choice((0, 1, 100, 9_000))
        number = random.choice((1, 100, 16_384, 65_536))
        if random.random() < self.mistakes:
            number = random.choice((0, 2**31 - 1))
        match random.randrange(16):
            case 0 | 1 | 2 | 3:
                return self.client.headers(random.choice((GET, POST, HEAD, CONNECT)), end=end)
            case 4:
                return frames.headers(stream_id, self.block(), end=end)
            case 5 | 6 | 7:
                return frames.data(stream_id, bytes(size), end=end, pad=random.choice((None, 3)))
            case 8:
                return frames.window_update(stream_id, number)
            case 9:
                return frames.window_update(0, number)
            case 10:
                return frames.rst_stream(stream_id, random.choice(list(Code)))
            case 11:
                return frames.settings((Setting(random.choice((1, 3, 4, 6))), number))
            case 12:
                return random.choice((frames.ping(), frames.SETTINGS_ACK, frames.goaway()))
            case 13:
                return frames.priority_update(stream_id, b"u=%d" % random.randint(0, 9))
            case 14:
                return frames.priority(stream_id, 0)
            case _:
                block = self.block()
                begin = frames.headers(stream_id, block[:3], end=end, end_headers=False)
                return begin + frames.continuation(stream_id, block[3:])

    def mutated(self) -> bytes:
        """Some frame, or nearly."""
        sent, random = bytearray(self.frame()), self.random
        if random.random() < self.mistakes / 5:
            at = random.randrange(len(sent))
            sent[at : at + random.randint(0, 2)] = random.randbytes(random.randint(0, 2))
        return bytes(sent)

    def act(self) -> None:
        """The client, the clock or the application does something."""
        client, random = self.client, self.random
        match random.randrange(12):
            case 0 | 1 | 2 | 3 | 4 | 5:
                sent = [self.mutated() for _ in range(random.randint(1, 3))]
                self.events += client.receive(*sent)
            case 6:
                self.events += client.elapse(random.choice((0.1, 1.0, 31.0)))
            case 7 | 8 if client.unfinished:
                self.answer(random.choice(sorted(client.unfinished)))
            case 9:
                client.connection.consumed(self.stream_id(), random.choice((0, 100)), client.now)
            case 10 if random.random() < 0.2:
                client.connection.reset_stream(self.stream_id())
            case 11 if random.random() < 0.05:
                client.connection.close(client.now)
        if random.random() < 0.8:
            self.sent += client.frames()

    def play(self) -> None:
        """Act until there is nothing more to break, and see the end."""
        client = self.client
        for _ in range(60):
            self.act()
            if client.ended:
                break
        self.sent += client.frames()
        if client.ended:
            assert client.receive(PREFACE) == []
            assert client.frames() == []
            assert client.elapse(10.0) == []
            assert client.connection.should_close
            assert client.connection.is_idle

    def answer(self, stream_id: int) -> None:
        """The application goes on with an answer, by the rules."""
        end = self.random.random() < 0.5
        body = bytes(self.random.choice((0, 10, 70_000)))
        if stream_id not in self.answering:
            self.answering.add(stream_id)
            self.client.respond(stream_id, 200, [], body, end=end)
        else:
            self.client.send_body(stream_id, body, end=end)
