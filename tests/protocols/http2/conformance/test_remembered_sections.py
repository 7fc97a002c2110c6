"""Header sections that come or go again and again are remembered: a hit must differ in nothing
from reading or writing them anew."""

from __future__ import annotations

from random import Random

import hpack
import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, HEAD, POST, Client, head, literal, replies
from tests.protocols.http2.conformance.errors import assert_stream_error, resets
from tests.protocols.http2.frames import Code, Fields, Frame, Setting, Type, of_kind

PLAIN_GET = b"".join(literal(*field) for field in GET)
"""A request that leaves the dynamic table as it is."""

FIELDS = [(b"x-a", b"1"), (b"x-b", b"2")]
LENGTH_5 = [(b"content-length", b"5")]
TIMES = range(4)


def send(client: Client, block: bytes, *, end: bool = True) -> RequestReceived:
    """Send a request's block on a new stream."""
    [event] = client.receive(frames.headers(client.next_id(), block, end=end))
    assert isinstance(event, RequestReceived)
    return event


class TestRequests:
    def test_application_may_change_what_it_gets(self, client: Client) -> None:
        """Headers are its own list."""
        for _ in TIMES:
            request = send(client, client.block([*GET, *FIELDS]))
            assert request.headers == [(b"host", b"example.com"), *FIELDS]
            request.headers.append((b"added", b"by the application"))
            request.headers[0] = (b"host", b"changed")

    def test_streams_are_not_mixed_up(self, client: Client) -> None:
        requests = [send(client, PLAIN_GET) for _ in TIMES]

        assert [request.stream_id for request in requests] == [1, 3, 5, 7]

    def test_end_of_stream_is_not_part_of_it(self, client: Client) -> None:
        for end in (True, False, True, False, False, True, True):
            assert send(client, PLAIN_GET, end=end).end_stream is end

    def test_expectation(self, client: Client) -> None:
        block = PLAIN_GET + literal(b"expect", b"100-continue")
        for end in (True, False, True, False, False, True):
            assert send(client, block, end=end).expects_continue is not end

    def test_length_is_checked_each_time(self, client: Client) -> None:
        block = PLAIN_GET + literal(b"content-length", b"5")
        for _ in TIMES:
            request = send(client, block, end=False)
            client.receive(frames.data(request.stream_id, b"hello", end=True))
            client.respond(request.stream_id)
            client.frames()
            stream_id = client.next_id()
            data = frames.headers(stream_id, block)
            assert_stream_error(client, data, Code.PROTOCOL_ERROR, stream_id)

    def test_malformed_request_stays_malformed(self, client: Client) -> None:
        block = PLAIN_GET + literal(b"te", b"gzip")
        for _ in TIMES:
            stream_id = client.next_id()
            data = frames.headers(stream_id, block)
            assert_stream_error(client, data, Code.PROTOCOL_ERROR, stream_id)

    def test_request_is_no_trailer_section(self, client: Client) -> None:
        for _ in TIMES:
            send(client, PLAIN_GET)
        stream_id = client.upload()

        assert_stream_error(
            client, frames.headers(stream_id, PLAIN_GET), Code.PROTOCOL_ERROR, stream_id
        )

    def test_trailer_section_is_no_request(self, client: Client) -> None:
        block = literal(b"x-sum", b"1")
        for _ in TIMES:
            client.receive(frames.headers(client.upload(), block))
        stream_id = client.next_id()

        assert_stream_error(
            client, frames.headers(stream_id, block), Code.PROTOCOL_ERROR, stream_id
        )

    def test_dependency_on_itself_is_refused(self, client: Client) -> None:
        for _ in TIMES:
            send(client, PLAIN_GET)
        stream_id = client.next_id()
        data = frames.headers(stream_id, PLAIN_GET, priority=frames.dependency(stream_id))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR, stream_id)
        assert send(client, PLAIN_GET).target == b"/"

    def test_limit_of_streams_holds(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_concurrent_streams=3)
        for _ in range(3):
            send(client, PLAIN_GET)

        assert client.receive(frames.headers(client.next_id(), PLAIN_GET)) == []
        assert resets(client.frames()) == [(7, Code.REFUSED_STREAM)]

    def test_limit_of_requests_holds(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_requests=3)
        for _ in range(3):
            assert of_kind(client.frames(), Type.GOAWAY) == []
            send(client, PLAIN_GET)

        assert len(of_kind(client.frames(), Type.GOAWAY)) == 1

    def test_same_bytes_stand_for_another_field(self, client: Client) -> None:
        """Once something has been inserted before it in the table."""
        reference = PLAIN_GET + b"\xbe"
        send(client, PLAIN_GET + literal(b"x", b"first", first=0x40))
        for _ in TIMES:
            assert send(client, reference).headers[1:] == [(b"x", b"first")]
        send(client, PLAIN_GET + literal(b"x", b"second", first=0x40))
        for _ in TIMES:
            assert send(client, reference).headers[1:] == [(b"x", b"second")]

    def test_insertions_of_trailers_count(self, client: Client) -> None:
        reference = PLAIN_GET + b"\xbe"
        send(client, PLAIN_GET + literal(b"x", b"first", first=0x40))
        for _ in TIMES:
            send(client, reference)
        client.receive(
            frames.headers(client.next_id(), PLAIN_GET, end=False),
            frames.headers(client.next_id() - 2, literal(b"x", b"second", first=0x40)),
        )

        assert send(client, reference).headers[1:] == [(b"x", b"second")]

    def test_block_inserts_each_time(self, client: Client) -> None:
        """And so never stands for the same again."""
        block = PLAIN_GET + literal(b"x", b"one", first=0x40)
        send(client, PLAIN_GET + literal(b"x", b"zero", first=0x40))
        for number in TIMES:
            send(client, block)
            oldest = bytes([0xBE + number + 1])
            assert send(client, PLAIN_GET + oldest).headers[1:] == [(b"x", b"zero")]

    def test_size_update_counts(self, client: Client) -> None:
        reference = PLAIN_GET + b"\xbe"
        send(client, PLAIN_GET + literal(b"x", b"first", first=0x40))
        for _ in TIMES:
            send(client, reference)
        send(client, b"\x20\x3f\xe1\x1f" + PLAIN_GET)
        client.receive(frames.headers(client.next_id(), reference))

        assert client.frames()[-1].code == Code.COMPRESSION_ERROR

    def test_connections_do_not_share_tables(self, engine: HTTP2EngineName) -> None:
        for value in (b"one", b"two"):
            client = Client(engine)
            send(client, PLAIN_GET + literal(b"x", value, first=0x40))
            for _ in TIMES:
                assert send(client, PLAIN_GET + b"\xbe").headers[1:] == [(b"x", value)]

    def test_random_requests_are_what_was_sent(self, engine: HTTP2EngineName) -> None:
        random = Random(7541)
        client = Client(engine, max_requests=None)
        paths = [b"/%d" % number for number in range(6)]
        pool: list[Fields] = [
            head(b"GET", path, *FIELDS[: at % 3]) for at, path in enumerate(paths)
        ]
        encoder = hpack.Encoder()
        for number in range(1_500):
            if random.random() < 0.02:
                encoder.header_table_size = random.choice((0, 100, 300, 4_096))
            fields = random.choice(pool)
            if random.random() < 0.05:
                fields = [*fields, (b"x-new", b"%d" % number)]
            request = send(client, encoder.encode(fields, huffman=random.random() < 0.8))
            client.respond(request.stream_id)
            client.frames()

            assert request.target == dict(fields)[b":path"]
            assert request.headers == [(b"host", b"example.com"), *fields[4:]]


class TestResponses:
    def test_length_of_each_body(self, client: Client) -> None:
        for size in (5, 5, 5, 6, 5, 0, 0, 5, 3_000, 3_000, 3_000, 5):
            stream_id = client.request().stream_id
            client.respond(stream_id, 200, FIELDS, bytes(size))
            reply = replies(client.frames())[stream_id]

            assert (len(reply.body), reply.values(b"content-length")) == (size, [b"%d" % size])

    def test_open_end_has_no_length(self, client: Client) -> None:
        for end in (True, True, False, True, False, False, True):
            stream_id = client.request().stream_id
            client.respond(stream_id, 200, FIELDS, b"hello", end=end)
            if not end:
                client.send_body(stream_id, b"", end=True)
            reply = replies(client.frames())[stream_id]

            assert (reply.body, reply.ended) == (b"hello", True)
            assert reply.values(b"content-length") == ([b"5"] if end else [])

    def test_head_and_get(self, client: Client) -> None:
        fields: dict[bytes, Fields] = {}
        for request in (GET, GET, GET, HEAD, HEAD, HEAD, GET, HEAD):
            method = request[0][1]
            stream_id = client.request(request).stream_id
            client.respond(stream_id, 200, FIELDS, b"hello")
            reply = replies(client.frames())[stream_id]

            assert reply.body == (b"hello" if method == b"GET" else b"")
            assert reply.headers == fields.setdefault(method, reply.headers)

    @pytest.mark.parametrize("status", [204, 205, 304])
    def test_status_is_part_of_it(self, client: Client, status: int) -> None:
        for current in (200, 200, 200, status, status, 200, status):
            stream_id = client.request().stream_id
            client.respond(stream_id, current, FIELDS, b"hello")
            reply = replies(client.frames())[stream_id]

            assert (reply.status, reply.body) == (current, b"hello" if current == 200 else b"")

    def test_length_that_does_not_fit_is_refused_each_time(self, client: Client) -> None:
        for _ in TIMES:
            stream_id = client.request().stream_id
            for body in (b"four", b"six..."):
                with pytest.raises(LocalProtocolError):
                    client.connection.send_response(stream_id, 200, LENGTH_5, body, True)
            with pytest.raises(LocalProtocolError):
                client.connection.send_response(stream_id, 200, LENGTH_5, b"six...", False)
            assert client.frames() == []
            client.respond(stream_id, 200, LENGTH_5, b"hello")
            assert replies(client.frames())[stream_id].body == b"hello"

    def test_length_binds_what_follows(self, client: Client) -> None:
        for _ in TIMES:
            stream_id = client.request().stream_id
            client.respond(stream_id, 200, LENGTH_5, b"hel", end=False)
            with pytest.raises(LocalProtocolError):
                client.connection.send_body(stream_id, b"lo!")
            with pytest.raises(LocalProtocolError):
                client.connection.send_body(stream_id, b"l", True)
            client.send_body(stream_id, b"lo", end=True)
            assert replies(client.frames())[stream_id].body == b"hello"

    def test_second_response_is_refused_each_time(self, client: Client) -> None:
        for _ in TIMES:
            stream_id = client.request().stream_id
            client.respond(stream_id, 200, FIELDS, b"", end=False)
            with pytest.raises(LocalProtocolError):
                client.connection.send_response(stream_id, 200, FIELDS, b"", True)
            client.send_body(stream_id, b"", end=True)

        assert len(of_kind(client.frames(), Type.HEADERS)) == len(TIMES)

    def test_changed_list_is_another(self, client: Client) -> None:
        """It is the fields that count, not the list that they are in."""
        fields = list(FIELDS)
        for number in TIMES:
            for _ in TIMES:
                stream_id = client.request().stream_id
                client.respond(stream_id, 200, fields, b"x")
                assert replies(client.frames())[stream_id].headers[: len(fields)] == fields
            fields[0] = (b"x-a", b"changed %d" % number)

    def test_fields_may_come_from_a_generator(self, client: Client) -> None:
        for _ in TIMES:
            stream_id = client.request().stream_id
            client.respond(stream_id, 200, (field for field in FIELDS), b"x")
            assert replies(client.frames())[stream_id].headers[:2] == FIELDS

    def test_invalid_field_is_refused_each_time(self, client: Client) -> None:
        for _ in TIMES:
            stream_id = client.request().stream_id
            for field in ((b"x", b"a\nb"), (b":status", b"200"), (b"", b"")):
                with pytest.raises(LocalProtocolError):
                    client.connection.send_response(stream_id, 200, [field], b"x", True)
            assert client.frames() == []
            client.respond(stream_id)
            assert len(client.frames()) == 1

    def test_sensitive_fields_are_never_in_a_table(self, client: Client) -> None:
        """RFC 7541 section 7.1.3: nor is what comes of them remembered."""
        sizes = set()
        for _ in TIMES:
            stream_id = client.request().stream_id
            client.respond(stream_id, 200, [(b"set-cookie", b"secret=value")])
            [headers] = client.frames()
            assert (b"set-cookie", b"secret=value") in headers.fields
            sizes.add(len(headers.payload))

        assert min(sizes) > len(b"secret=value") * 5 // 8

    def test_date_is_renewed(self, engine: HTTP2EngineName) -> None:
        client = Client(engine)
        for number in range(10):
            client.defaults.set([(b"date", b"%d" % (number // 2))])
            for _ in TIMES:
                stream_id = client.request().stream_id
                client.respond(stream_id, 200, FIELDS, b"x")
                reply = replies(client.frames())[stream_id]
                assert reply.values(b"date") == [b"%d" % (number // 2)]

    def test_own_date_overrides_that_of_the_server(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, defaults=[(b"date", b"server")])
        for _ in TIMES:
            for fields, date in (([(b"date", b"own")], b"own"), ([], b"server")):
                stream_id = client.request().stream_id
                client.respond(stream_id, 200, fields, b"x")
                assert replies(client.frames())[stream_id].values(b"date") == [date]

    def test_table_of_the_client_may_change(self, client: Client) -> None:
        """The change has to be signalled, though the block is known."""
        for size in (0, 4_096, 50, 4_096, 0, 4_096):
            for _ in TIMES:
                stream_id = client.request().stream_id
                client.respond(stream_id, 200, FIELDS, b"x")
                assert replies(client.frames())[stream_id].headers[:2] == FIELDS
            client.receive(frames.settings((Setting.HEADER_TABLE_SIZE, size)))
            client.frames()

    def test_other_sections_change_the_table(self, client: Client) -> None:
        """Interim responses, trailers and promises are compressed with the same table."""
        for number in range(30):
            new = [(b"x-new", b"%d" % number)]
            stream_id = client.request().stream_id
            match number % 4:
                case 0:
                    client.connection.send_informational(stream_id, 103, new)
                case 1:
                    assert client.connection.push(stream_id, b"/pushed", new)
            client.respond(stream_id, 200, FIELDS, b"x", end=False, trailers=number % 4 == 2)
            if number % 4 == 2:
                client.connection.send_trailers(stream_id, new)
                client.release(stream_id)
            else:
                client.send_body(stream_id, b"", end=True)
            sent = client.frames()

            assert _final_fields(sent, stream_id)[1:3] == FIELDS

    def test_random_responses_are_as_if_made_anew(self, engine: HTTP2EngineName) -> None:
        random = Random(9110)
        client = Client(engine, max_requests=None, defaults=[(b"date", b"today")])
        pool: list[Fields] = [
            [],
            FIELDS,
            [*FIELDS, (b"set-cookie", b"a=b")],
            LENGTH_5,
            [(b"X-A", b" 1 ")],
            [(b"date", b"own"), *FIELDS],
            [(b"content-length", b"0")],
            [(b"connection", b"close"), (b"priority", b"u=1")],
        ]
        for _ in range(600):
            request = random.choice((GET, GET, HEAD, POST))
            arguments = (random.choice((200, 200, 204, 304, 500)), random.choice(pool))
            body, end = random.choice((b"", b"hello", b"six...")), random.random() < 0.7
            if random.random() < 0.02:
                size = random.choice((0, 60, 4_096))
                client.receive(frames.settings((Setting.HEADER_TABLE_SIZE, size)))
            anew = Client(engine, defaults=[(b"date", b"today")])

            assert _respond(client, request, *arguments, body, end) == _respond(
                anew, request, *arguments, body, end
            )


def _respond(
    client: Client, request: Fields, status: int, fields: Fields, body: bytes, end: bool
) -> tuple[Fields, bytes] | None:
    """Answer a new request; returns what the client sees, None if it cannot be."""
    stream_id = client.request(request).stream_id
    try:
        client.respond(stream_id, status, fields, body, end=end)
    except LocalProtocolError:
        client.connection.reset_stream(stream_id)
        client.unfinished.discard(stream_id)
        client.release(stream_id)
        assert of_kind(client.frames(), Type.HEADERS) == []
        return None
    sent = client.frames()
    if not end:
        client.connection.reset_stream(stream_id)
        client.unfinished.discard(stream_id)
        client.release(stream_id)
        client.frames()
    return _final_fields(sent, stream_id), replies(sent)[stream_id].body


def _final_fields(sent: list[Frame], stream_id: int) -> Fields:
    """The fields of the response that is no interim one."""
    return next(
        frame.fields
        for frame in of_kind(sent, Type.HEADERS)
        if frame.stream_id == stream_id and frame.fields[0][1] >= b"200"
    )
