"""A client that makes no mistake meets no error, whatever both sides do and in whatever order."""

from __future__ import annotations

from random import Random

import pytest

from hypercorn_protocols.events import BodyEnded, BodyReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import CONNECT, POST, Client, StreamEvent, head
from tests.protocols.http2.frames import MAX_WINDOW, Code, Flag, Frame, Setting, Type

HARMLESS = {Code.NO_ERROR, Code.REFUSED_STREAM, Code.INTERNAL_ERROR}
"""What streams may end with: an early answer, too many of them, a failing application; tunnels,
with CANCEL too, which is what a reset of TCP becomes."""


class Conversation:
    """Both sides of a connection, acting at random by the rules.

    Args:
        random: what decides.
        engine: which one.
    """

    def __init__(self, random: Random, engine: HTTP2EngineName) -> None:
        self.random = random
        self.client = Client(
            engine,
            max_concurrent_streams=8,
            max_body_buffer=random.choice((1_000, 65_536)),
            max_frame_size=random.choice((2**14, 2**16)),
            keep_alive_timeout=None,
            read_idle_timeout=None,
            read_min_rate=0,
            write_idle_timeout=None,
            write_min_rate=0,
        )
        self.tunnels: set[int] = set()
        """Streams that were opened by an extended CONNECT (RFC 8441)."""
        self.uploads: dict[int, bytes] = {}
        """What was sent on streams whose requests are not complete."""
        self.complete: dict[int, bytes] = {}
        """The content of complete requests."""
        self.heard: dict[int, bytes] = {}
        """The content that the application has got."""
        self.ended: set[int] = set()
        """Requests that the application has got to the end."""
        self.answers: dict[int, bytes] = {}
        """What was sent as answers that are not complete."""
        self.answered: dict[int, bytes] = {}
        """The content of complete answers."""
        self.received: dict[int, bytes] = {}
        """The content of answers as the client has got it."""
        self.cut: set[int] = set()
        """Requests that are answered before they are complete: the rest may get lost."""
        self.lost: set[int] = set()
        """Streams that either side has reset."""
        self.is_going = False
        """GOAWAY has come: no request may follow."""

    # The client

    def receive(self, *data: bytes) -> None:
        """Send, and take note of what the application hears."""
        self.hear(self.client.receive(*data))

    def hear(self, events: list[StreamEvent]) -> None:
        for event in events:
            if isinstance(event, BodyReceived):
                self.heard[event.stream_id] = self.heard.get(event.stream_id, b"") + event.data
                if self.random.random() < 0.9:
                    size = len(event.data)
                    self.client.connection.consumed(event.stream_id, size, self.client.now)
            elif isinstance(event, BodyEnded):
                self.ended.add(event.stream_id)

    def begin(self) -> None:
        """Send a request's head."""
        if self.is_going:
            return
        if self.random.random() < 0.5:
            self.receive(self.client.headers(head(b"GET", b"/x", (b"x", b"y"))))
            return
        stream_id = self.client.next_id()
        self.uploads[stream_id] = b""
        fields = POST
        if self.random.random() < 0.3:
            self.tunnels.add(stream_id)
            fields = CONNECT
        self.receive(frames.headers(stream_id, self.client.block(fields), end=False))

    def upload(self) -> None:
        """Send some content of a request, as much as the windows let."""
        if not self.uploads:
            return
        random, windows = self.random, self.client.observer.upload
        stream_id = random.choice(sorted(self.uploads))
        pad = random.choice((None, 0, 20))
        room = min(windows.connection, windows.stream(stream_id), 2**14) - (pad or 0) - 1
        content = random.randbytes(max(0, min(room, random.choice((0, 10, 20_000)))))
        if room < 0:
            pad = None
        self.uploads[stream_id] += content
        end = random.random() < 0.3
        trailers = end and stream_id not in self.tunnels and random.random() < 0.3
        data = frames.data(stream_id, content, end=end and not trailers, pad=pad)
        if trailers:
            data += frames.headers(stream_id, self.client.block([(b"x-sum", b"1")]))
        if end:
            self.complete[stream_id] = self.uploads.pop(stream_id)
        self.receive(data)

    def fidget(self) -> None:
        """Send a frame that is about no request."""
        random = self.random
        value = random.choice((0, 100, 65_535, 2**20))
        match random.randrange(6):
            case 0:
                self.receive(frames.ping(random.randbytes(8)))
            case 1:
                self.receive(frames.priority(random.choice((1, 99))))
            case 2:
                self.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, value)))
            case 3:
                self.receive(frames.settings((Setting.HEADER_TABLE_SIZE, value)))
            case 4:
                size = random.choice((2**14, 2**15, 2**24 - 1))
                self.receive(frames.settings((Setting.MAX_FRAME_SIZE, size)))
            case 5:
                self.receive(frames.frame(0x99, 0xFF, random.choice((0, 1, 99)), b"unknown"))

    def open_window(self) -> None:
        """Let the server send more."""
        size = self.random.choice((1, 1_000, 100_000))
        if self.client.observer.download.connection + size <= MAX_WINDOW:
            self.receive(frames.window_update(0, size))
        if self.received:
            self.receive(frames.window_update(self.random.choice(sorted(self.received)), size))

    def give_up(self) -> None:
        """Reset a stream that the client still waits for."""
        waiting = self.client.unfinished - self.lost - self.answered.keys()
        if waiting:
            stream_id = self.random.choice(sorted(waiting))
            self.lose(stream_id)
            self.receive(frames.rst_stream(stream_id, self.random.choice(list(Code))))
            self.client.release(stream_id)

    # The server

    def answer(self) -> None:
        """Send some of an answer."""
        client, random = self.client, self.random
        if not client.unfinished:
            return
        stream_id = random.choice(sorted(client.unfinished))
        if random.random() < 0.02:
            self.lose(stream_id)
            client.connection.reset_stream(stream_id)
            client.unfinished.discard(stream_id)
            client.release(stream_id)
            return
        if stream_id not in self.answers and random.random() < 0.3:
            client.connection.send_informational(stream_id, 103, [(b"link", b"</a>")])
            client.connection.push(stream_id, b"/pushed", [(b"x", b"y")])
            return
        content = random.randbytes(random.choice((0, 10, 30_000)))
        end = random.random() < 0.5
        trailers = end and stream_id not in self.tunnels and random.random() < 0.2
        if stream_id not in self.answers:
            self.answers[stream_id] = b""
            client.respond(stream_id, 200, [(b"x", b"y")], content, end=False, trailers=trailers)
            end = trailers
        else:
            client.send_body(stream_id, content, end=end and not trailers)
        self.answers[stream_id] += content
        if trailers:
            client.connection.send_trailers(stream_id, [(b"x-sum", b"1")])
            client.release(stream_id)
        if end:
            self.answered[stream_id] = self.answers.pop(stream_id)
            if stream_id in self.uploads:
                self.cut.add(stream_id)

    def take(self) -> None:
        """Read what the server has sent."""
        sent = self.client.frames()
        for frame in sent:
            self.check(frame)
            if frame.kind == Type.PING and not frame.has(Flag.ACK):
                self.receive(frames.ping(frame.payload, ack=True))

    def check(self, frame: Frame) -> None:
        if frame.kind == Type.GOAWAY:
            assert frame.code == Code.NO_ERROR
            self.is_going = True
            for stream_id in [*self.uploads, *self.complete]:
                if stream_id > frame.last_stream_id:
                    self.lose(stream_id)
        elif frame.kind == Type.RST_STREAM:
            harmless = HARMLESS | {Code.CANCEL} if frame.stream_id in self.tunnels else HARMLESS
            assert frame.code in harmless
            if frame.code != Code.NO_ERROR:
                self.lose(frame.stream_id)
            self.uploads.pop(frame.stream_id, None)
        elif frame.kind == Type.HEADERS:
            self.received.setdefault(frame.stream_id, b"")
        elif frame.kind == Type.DATA:
            self.received[frame.stream_id] += frame.content

    def wait(self) -> None:
        """Let some time pass, and perhaps begin to shut down."""
        self.hear(self.client.elapse(self.random.choice((0.0, 0.1, 2.0))))
        if self.random.random() < 0.02:
            self.client.connection.close(self.client.now)

    def lose(self, stream_id: int) -> None:
        """A stream is reset: nothing holds for it any more."""
        self.lost.add(stream_id)
        for found in (self.uploads, self.complete, self.answers, self.answered):
            found.pop(stream_id, None)

    def act(self) -> None:
        """One of the two does something."""
        random = self.random
        acts = (self.begin, self.upload, self.upload, self.answer, self.answer, self.open_window)
        rare = (self.fidget, self.give_up, self.wait)
        random.choice(acts if random.random() < 0.8 else rare)()
        if random.random() < 0.8:
            self.take()

    def finish(self) -> None:
        """Both sides end what they have begun, and the windows are opened wide."""
        client = self.client
        self.hear(client.elapse(0.0))
        self.take()
        self.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 2**20)))
        for stream_id in sorted(self.uploads):
            self.complete[stream_id] = self.uploads.pop(stream_id)
            self.receive(frames.data(stream_id, end=True))
        for stream_id in sorted(client.unfinished):
            body = self.answers.pop(stream_id, None)
            if body is None:
                client.respond(stream_id)
            else:
                client.send_body(stream_id, b"", end=True)
            self.answered[stream_id] = body or b""
        self.receive(frames.window_update(0, 2**24))
        for stream_id in sorted(self.received):
            self.receive(frames.window_update(stream_id, 2**24))
        self.take()


@pytest.mark.parametrize("part", range(8))
def test_no_mistake_no_error(part: int, engine: HTTP2EngineName) -> None:
    for seed in range(12):
        talk = Conversation(Random(100 * part + seed), engine)
        for _ in range(120):
            talk.act()
        talk.finish()

        for stream_id, body in talk.answered.items():
            assert talk.received[stream_id] == body
        for stream_id in talk.complete.keys() - talk.cut:
            assert talk.heard.get(stream_id, b"") == talk.complete[stream_id]
            assert stream_id in talk.ended
        assert talk.client.connection.is_idle
        if talk.is_going:
            talk.client.elapse(2.0)
            assert talk.client.ended
        else:
            assert talk.client.exchange().body == b"alive"
