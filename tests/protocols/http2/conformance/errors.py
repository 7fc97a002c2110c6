"""What a connection has to do about a mistake: RFC 9113 section 5.4, strictly."""

from __future__ import annotations

from hypercorn_protocols.events import StreamReset
from tests.protocols.http2 import frames
from tests.protocols.http2.client import Client, StreamEvent
from tests.protocols.http2.frames import Code, Frame, Type, of_kind


def assert_stream_error(client: Client, data: bytes, code: Code, stream_id: int = 1) -> None:
    """Data ends one stream with RST_STREAM, and nothing else.

    The application hears of it if it knows the request, and else never of the request."""
    known = stream_id in client.unfinished
    events = client.receive(data)
    sent = client.frames()

    assert resets(sent) == [(stream_id, code)]
    assert of_kind(sent, Type.GOAWAY) == []
    assert reset_ids(events) == ([stream_id] if known else [])
    assert stream_id not in client.unfinished
    assert client.exchange().body == b"alive"


def assert_connection_error(
    client: Client, data: bytes, *codes: Code, last_stream_id: int | None = None
) -> None:
    """Data ends the connection with GOAWAY, and with it every request.

    ``codes`` are those that are right."""
    begun = set(client.unfinished)
    events = client.receive(data)
    sent = client.frames()

    assert sent, "nothing was sent"
    assert sent[-1].kind == Type.GOAWAY
    assert sent[-1].code in codes
    if last_stream_id is not None:
        assert sent[-1].last_stream_id == last_stream_id
    assert begun <= set(reset_ids(events))
    assert client.unfinished == set()
    assert_ended(client)


def assert_ended(client: Client) -> None:
    """Nothing is sent or heard any more, and the transport is to be closed in a while."""
    assert client.ended
    assert client.receive(client.headers(), frames.ping()) == []
    assert client.frames() == []
    assert client.elapse(10.0) == []
    assert client.connection.should_close
    assert client.frames() == []


def assert_ignored(client: Client, data: bytes) -> None:
    """Nothing comes of data, and the connection lives."""
    assert client.receive(data) == []
    assert of_kind(client.frames(), Type.RST_STREAM, Type.GOAWAY) == []
    assert client.exchange().body == b"alive"


def resets(sent: list[Frame]) -> list[tuple[int, Code]]:
    """The streams that were reset, and why."""
    return [(frame.stream_id, frame.code) for frame in of_kind(sent, Type.RST_STREAM)]


def reset_ids(events: list[StreamEvent]) -> list[int]:
    """The streams of which the application hears that they are over."""
    return [event.stream_id for event in events if isinstance(event, StreamReset)]
