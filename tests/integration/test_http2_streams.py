"""Many streams on one HTTP/2 connection: none is another's problem, and who is served first."""

from __future__ import annotations

import json
from itertools import groupby
from urllib.parse import quote

from tests.integration.gates import open_gate
from tests.integration.http2_peer import LARGE_WINDOW, HTTP2Peer, http2, stalled
from tests.integration.serving import Endpoint
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Code, Flag, Setting, Type

CONTENT = bytes(range(256)) * 700
BLOCK = bytes(range(256)) * 256


class TestManyStreams:
    def test_are_answered_as_they_are_done(self, endpoint: Endpoint, gate: str) -> None:
        with http2(endpoint) as peer:
            waiting = [peer.request(f"/wait?gate={gate}-{number}") for number in range(50)]
            for number in reversed(range(50)):
                assert peer.get(f"/open?gate={gate}-{number}").body == b"open"
                assert peer.answer(waiting[number]).body == f"{gate}-{number}".encode()

    def test_uploads_at_once(self, endpoint: Endpoint) -> None:
        contents = [bytes([number]) * (number * 20_000) for number in range(20)]
        with http2(endpoint) as peer:
            uploads = {}
            for content in contents:
                stream_id = peer.request("/echo", method="POST", end=False)
                uploads[stream_id] = memoryview(content)
            while uploads:
                for stream_id in list(uploads):
                    if not uploads[stream_id]:
                        peer.send(frames.data(stream_id, end=True))
                        del uploads[stream_id]
                    elif size := peer.window(stream_id):
                        peer.send(frames.data(stream_id, bytes(uploads[stream_id][:size])))
                        uploads[stream_id] = uploads[stream_id][size:]
                peer.settle()

            answers = [peer.answer(number) for number in range(1, 40, 2)]
            assert [answer.body for answer in answers] == contents

    def test_more_than_are_taken_at_once(self, endpoint: Endpoint, gate: str) -> None:
        with http2(endpoint) as peer:
            limit = peer.observer.settings[Setting.MAX_CONCURRENT_STREAMS]
            waiting = [peer.request(f"/wait?gate={gate}") for _ in range(limit)]
            refused = peer.request("/")

            assert peer.take(refused, Type.RST_STREAM).code == Code.REFUSED_STREAM
            open_gate(endpoint, gate)
            assert [peer.answer(stream_id).status for stream_id in waiting] == [200] * limit
            assert peer.get("/").body == b"Hello"


class TestStreamsDoNotStallEachOther:
    def test_one_whose_answer_is_not_read(self, endpoint: Endpoint, gate: str) -> None:
        with http2(endpoint) as peer:
            unread = peer.request(f"/endless?report={gate}")
            peer.start_of_answer(unread)
            peer.settle()
            received = 0
            while received < 65_535:
                received += len(peer.take(unread, Type.DATA).payload)

            assert received == 65_535
            for _ in range(5):
                assert peer.get("/stream?blocks=8").body == BLOCK * 8
            assert not [frame for frame in peer.frames if frame.stream_id == unread]
            peer.send(frames.window_update(unread, 10))
            assert len(peer.take(unread, Type.DATA).payload) == 10

    def test_many_whose_content_is_not_read(self, endpoint: Endpoint, gate: str) -> None:
        """The windows of all of them are full, and the connection's is open all the same."""
        with http2(endpoint) as peer:
            target = f"/never-reader?gate={gate}"
            unread = [peer.request(target, method="POST", end=False) for _ in range(20)]
            filled = [peer.fill_window(stream_id) for stream_id in unread]

            assert min(filled) >= 65_535
            assert peer.post("/echo", CONTENT * 3).body == CONTENT * 3
            open_gate(endpoint, gate)
            assert [peer.answer(stream_id).body for stream_id in unread] == [b"unread"] * 20
            # And what was thrown away unread is of no weight.
            assert peer.post("/echo", CONTENT * 3).body == CONTENT * 3


class TestPush:
    def test_promise_and_answer(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            stream_id = peer.request("/push?path=/scope%3Fpushed")
            promise = peer.take(stream_id, Type.PUSH_PROMISE)
            assert dict(promise.fields) == {
                b":method": b"GET",
                b":scheme": endpoint.scheme.encode(),
                b":authority": endpoint.netloc.encode(),
                b":path": b"/scope?pushed",
                b"x-pushed": b"1",
            }
            assert peer.answer(stream_id).body == b"pushed"
            scope = json.loads(peer.answer(promise.last_stream_id).body)

            assert scope["query_string"] == "pushed"
            assert ["x-pushed", "1"] in scope["headers"]

    def test_disabled(self, endpoint: Endpoint) -> None:
        with http2(endpoint, (Setting.ENABLE_PUSH, 0)) as peer:
            scope = json.loads(peer.get("/scope").body)
            stream_id = peer.request("/push?path=/scope")

            assert "http.response.push" not in scope["extensions"]
            assert peer.answer(stream_id).body == b"pushed"
            peer.settle()
            assert peer.frames == []

    def test_refused_by_the_client(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            stream_id = peer.request("/push?path=/endless%3Freport=refused")
            promise = peer.take(stream_id, Type.PUSH_PROMISE)
            peer.reset(promise.last_stream_id, Code.REFUSED_STREAM)

            assert peer.answer(stream_id).body == b"pushed"
            assert peer.get("/").body == b"Hello"


class TestPriority:
    """RFC 9218: what clients ask for shows in the order of frames."""

    def test_urgent_first(self, endpoint: Endpoint) -> None:
        assert order(endpoint, "u=5", "u=1") == [3, 1]

    def test_as_requested_by_default(self, endpoint: Endpoint) -> None:
        assert order(endpoint, "", "", "") == [1, 3, 5]

    def test_incremental_by_turns(self, endpoint: Endpoint) -> None:
        assert order(endpoint, "i", "i", "i")[:6] == [1, 3, 5, 1, 3, 5]

    def test_updated(self, endpoint: Endpoint) -> None:
        update = frames.priority_update(3, b"u=0")

        assert order(endpoint, "", "", update=update) == [3, 1]

    def test_of_the_application(self, endpoint: Endpoint) -> None:
        """RFC 9218 section 8: its word counts before the client's."""
        with stalled(endpoint) as peer:
            peer.request("/header?name=x&value=1", ("priority", "u=1"))
            peer.request(f"/header?name=priority&value={quote('u=0')}", ("priority", "u=7"))

            assert order_of_content(peer, 2) == [3, 1]

    def test_malformed(self, endpoint: Endpoint) -> None:
        assert order(endpoint, "u=99", "u=0;;", "i=?1, u=1") == [5, 1, 3]


def order(endpoint: Endpoint, *priorities: str, update: bytes = b"") -> list[int]:
    """The order of content of 64 KiB each, all of it there before any can be sent."""
    with stalled(endpoint) as peer:
        for priority in priorities:
            fields = [("priority", priority)] if priority else []
            peer.request("/stream?blocks=1", *fields)
        return order_of_content(peer, len(priorities), update)


def order_of_content(peer: HTTP2Peer, number: int, update: bytes = b"") -> list[int]:
    """Open the windows of so many streams, and tell on which of them content comes by turns."""
    # An answer's head comes with its first content or after it.
    peer.read_until(lambda: len(peer.frames) == number)
    peer.frames.clear()
    peer.send(update, frames.settings((Setting.INITIAL_WINDOW_SIZE, LARGE_WINDOW)))
    peer.read_until(lambda: sum(frame.has(Flag.END_STREAM) for frame in peer.frames) == number)
    content = [frame.stream_id for frame in peer.frames if frame.payload]
    return [stream_id for stream_id, _ in groupby(content)]
