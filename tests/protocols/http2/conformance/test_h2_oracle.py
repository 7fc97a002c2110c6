"""A server that is not ours, the h2 library, as an oracle: what it refuses, we refuse."""

from __future__ import annotations

from random import Random

import hpack
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError

from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, HEAD, POST, Client, head
from tests.protocols.http2.frames import PREFACE, Fields, Type, of_kind

PIECES: Fields = [
    *GET,
    (b":method", b"POST"),
    (b":method", b"OPTIONS"),
    (b":method", b""),
    (b":scheme", b"http"),
    (b":scheme", b""),
    (b":path", b""),
    (b":path", b"*"),
    (b":authority", b"other.example"),
    (b":authority", b""),
    (b":status", b"200"),
    (b":protocol", b"websocket"),
    (b":unknown", b"x"),
    (b"host", b"example.com"),
    (b"host", b"other.example"),
    (b"te", b"trailers"),
    (b"te", b"gzip"),
    (b"connection", b"close"),
    (b"transfer-encoding", b"chunked"),
    (b"upgrade", b"h2c"),
    (b"content-length", b"0"),
    (b"content-length", b"5"),
    (b"content-length", b"x"),
    (b"cookie", b"a=b"),
    (b"x", b"y"),
    (b"x", b" y"),
    (b"x", b"y\t"),
    (b"x", b"y\nz"),
    (b"x", b"y\0"),
    (b"X", b"y"),
    (b" x", b"y"),
    (b"x:", b"y"),
    (b"", b"y"),
]
"""What requests are made of, by the rules and against them."""


def mutant(random: Random) -> Fields:
    """A request with a few fields too many, too few, or out of place."""
    fields = list(random.choice((GET, HEAD, POST, head(b"OPTIONS", b"*"))))
    for _ in range(random.randint(0, 3)):
        at = random.randint(0, len(fields))
        fields[at : at + random.choice((0, 0, 1))] = [random.choice(PIECES)]
    return fields


def h2_takes(data: bytes) -> bool:
    """Whether h2 has nothing to object to."""
    server = H2Connection(H2Configuration(client_side=False, header_encoding=None))
    try:
        server.receive_data(PREFACE + frames.settings() + data)
    except ProtocolError:
        return False
    return True


def test_what_h2_refuses_is_refused(engine: HTTP2EngineName) -> None:
    """Without losing the connection. We refuse more: h2 looks at no grammar."""
    random = Random(9113)
    taken = 0
    for _ in range(1_500):
        fields, end = mutant(random), random.random() < 0.5
        data = frames.headers(1, hpack.Encoder().encode(fields), end=end)
        client = Client(engine)
        is_taken = any(isinstance(event, RequestReceived) for event in client.receive(data))
        taken += is_taken

        assert is_taken <= h2_takes(data), fields
        assert of_kind(client.frames(), Type.GOAWAY) == []
    assert 200 < taken < 1_300
