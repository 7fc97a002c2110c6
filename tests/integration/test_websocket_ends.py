"""How a WebSocket ends (RFC 6455 section 7), and what the application is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.gates import await_gate, open_gate, report
from tests.integration.serving import Endpoint, Server
from tests.integration.websocket_ways import HTTP2Connection, Way
from tests.websocket_peer import (
    NO_CODE,
    Opcode,
    binary,
    close,
    continuation,
    frame,
    frame_header,
    ping,
    text,
)

ABNORMAL = 1006


def disconnect(code: int, reason: str = "") -> dict[str, Any]:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


def received(content: str) -> dict[str, Any]:
    return {"type": "websocket.receive", "bytes": None, "text": content}


class TestByTheClient:
    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (1000, "bye"),
            (1001, ""),
            (1011, "a bug"),
            (1014, ""),
            (3000, "é"),
            (4999, "x" * 123),
            (NO_CODE, ""),
        ],
    )
    def test_close(self, way: Way, gate: str, code: int, reason: str) -> None:
        with way.open(f"/record?report={gate}") as websocket:
            websocket.send(text("last"))
            assert websocket.leave(code, reason)[0] == code

        seen = report(way.endpoint, gate)
        assert seen["messages"] == [received("last"), disconnect(code, reason)]
        assert seen["raised"] == ["ClientDisconnected"]
        assert seen["again"] == disconnect(code, reason)

    def test_messages_before_it_are_answered(self, way: Way) -> None:
        contents = [str(number) for number in range(100)]
        with way.open("/echo") as websocket:
            websocket.send(*[text(content) for content in contents], close(1000))

            assert [websocket.message() for _ in contents] == contents
            assert websocket.closure() == (1000, "")
            websocket.await_end()

    def test_what_comes_after_it_is_of_no_interest(self, way: Way, gate: str) -> None:
        with way.open(f"/record?report={gate}") as websocket:
            websocket.send(close(1000), text("after"), ping(), b"whatever")

            assert websocket.closure() == (1000, "")
            websocket.await_end()
        assert report(way.endpoint, gate)["messages"] == [disconnect(1000)]

    def test_reset(self, way: Way, gate: str) -> None:
        with way.open(f"/record?report={gate}") as websocket:
            websocket.stream.reset()

            assert report(way.endpoint, gate)["messages"] == [disconnect(ABNORMAL)]

    def test_end_of_the_stream(self, way: Way, gate: str) -> None:
        with way.open(f"/record?report={gate}") as websocket:
            websocket.send(text("last"), text("half")[:-1])
            websocket.stream.end()

            seen = report(way.endpoint, gate)
        assert seen["messages"] == [received("last"), disconnect(ABNORMAL)]
        assert seen["raised"] == ["ClientDisconnected"]

    def test_end_of_the_connection(self, way: Way, gate: str) -> None:
        with way.open(f"/record?report={gate}"):
            pass

        assert report(way.endpoint, gate)["messages"] == [disconnect(ABNORMAL)]

    def test_before_the_handshake_is_answered(self, way: Way, gate: str) -> None:
        with way.connect() as connection:
            connection.ask(f"/hesitate?gate={gate}&report={gate}")
            await_gate(way.endpoint, f"{gate}-begun")

        assert report(way.endpoint, gate) == disconnect(ABNORMAL)
        open_gate(way.endpoint, gate)


class TestByTheApplication:
    @pytest.mark.parametrize(
        ("query", "code", "reason"),
        [
            ("", 1000, ""),
            ("code=1001&reason=later", 1001, "later"),
            ("code=1012", 1012, ""),
            ("code=3000&reason=%C3%A9", 3000, "é"),
            ("code=4999&reason=" + "x" * 123, 4999, "x" * 123),
        ],
    )
    def test_close(self, way: Way, gate: str, query: str, code: int, reason: str) -> None:
        with way.open(f"/close?{query}&report={gate}") as websocket:
            assert websocket.goodbye() == (code, reason)

        assert report(way.endpoint, gate)["type"] == "websocket.disconnect"

    def test_close_that_crosses_messages(self, way: Way) -> None:
        """What the client sent before it knew."""
        with way.open("/close?code=4000") as websocket:
            websocket.send(text("crossing"), binary(bytes(200_000)), ping())

            assert websocket.goodbye() == (4000, "")

    @pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 2999, 5000, 65_536])
    def test_code_that_may_not_be_sent(self, clear_way: Way, server: Server, code: int) -> None:
        """An application's mistake."""
        with clear_way.open(f"/close?code={code}") as websocket:
            assert websocket.goodbye() == (1011, "")

        server.await_log(f"{code}")

    def test_return(self, way: Way) -> None:
        with way.open("/leave") as websocket:
            assert websocket.goodbye() == (1011, "")

    def test_failure(self, way: Way, server: Server) -> None:
        with way.open("/fail") as websocket:
            assert websocket.message() == "before it"
            assert websocket.goodbye() == (1011, "")

        server.await_log("LookupError: a mistake of a WebSocket's")


VIOLATIONS = {
    "not masked": frame(Opcode.TEXT, b"x", mask=None),
    "first reserved bit": frame(Opcode.TEXT, b"x", reserved=4),
    "second reserved bit": frame(Opcode.TEXT, b"x", reserved=2),
    "third reserved bit": frame(Opcode.TEXT, b"x", reserved=1),
    "reserved opcode": frame(3, b"x"),
    "reserved control opcode": frame(11, b"x"),
    "continuation of nothing": continuation(b"x"),
    "message within a message": text("x", fin=False) + text("x"),
    "ping in fragments": frame(Opcode.PING, b"x", fin=False),
    "long ping": frame(Opcode.PING, bytes(126)),
    "long close": frame(Opcode.CLOSE, b"\x03\xe8" + bytes(124)),
    "close of one byte": frame(Opcode.CLOSE, b"\x03"),
    "close with 0": close(0),
    "close with 999": close(999),
    "close with 1004": close(1004),
    "close with 1006": close(1006),
    "close with 1015": close(1015),
    "close with 2999": close(2999),
    "close with 5000": close(5000),
    "length that is not minimal": b"\x81\xfe\x00\x01" + bytes(5),
    "long length that is not minimal": b"\x81\xff" + bytes(7) + b"\x7e" + bytes(4),
    "length of 2 to the 63rd": frame_header(0x82, 2**63) + bytes(4),
}

NOT_UTF8 = {
    "octet": frame(Opcode.TEXT, b"a\xff"),
    "surrogate": frame(Opcode.TEXT, b"\xed\xa0\x80"),
    "overlong": frame(Opcode.TEXT, b"\xc0\xaf"),
    "half a character": frame(Opcode.TEXT, b"\xe2\x82"),
    "half a character in the last fragment": text("x", fin=False)
    + continuation(b"\xe2\x82", fin=True),
    "in a message that goes on": frame(Opcode.TEXT, b"\xff", fin=False),
    "in a frame that goes on": frame(Opcode.TEXT, b"\xff" + bytes(1000))[:-1],
    "reason": frame(Opcode.CLOSE, b"\x03\xe8\xff"),
}

LIMIT = 16 * 2**20

TOO_LARGE = {
    "announced": frame_header(0x82, LIMIT + 1) + bytes(4),
    "announced as much as can be": frame_header(0x82, 2**63 - 1) + bytes(4),
    "announced in the second fragment": binary(b"x", fin=False)
    + frame_header(0x80, LIMIT)
    + bytes(4),
}

FAILURES = {
    **{name: (data, 1002) for name, data in VIOLATIONS.items()},
    **{f"not UTF-8: {name}": (data, 1007) for name, data in NOT_UTF8.items()},
    **{f"too large: {name}": (data, 1009) for name, data in TOO_LARGE.items()},
}


@pytest.mark.parametrize("name", list(FAILURES))
def test_failure_of_the_client(clear_way: Way, gate: str, name: str) -> None:
    """The server closes; what came before is handed to the application, and so is the code."""
    data, code = FAILURES[name]
    with clear_way.open(f"/record?report={gate}") as websocket:
        websocket.send(text("before"), data)

        assert websocket.closure()[0] == code
    seen = report(clear_way.endpoint, gate)
    assert seen["messages"][0] == received("before")
    assert seen["messages"][1:] == [disconnect(code, seen["messages"][1]["reason"])]
    assert seen["raised"] == ["ClientDisconnected"]


def test_message_before_a_failure_is_answered(way: Way) -> None:
    with way.open("/echo") as websocket:
        websocket.send(text("before"), VIOLATIONS["reserved opcode"], text("after"))

        assert websocket.message() == "before"
        assert websocket.closure()[0] == 1002


class TestOnHTTP2:
    """The end of one is none of its neighbours' business."""

    def test_neighbours_go_on(self, endpoint: Endpoint) -> None:
        with Way(endpoint, "2").connect() as connection:
            assert isinstance(connection, HTTP2Connection)
            lasting = connection.open("/echo")
            for data, code in (FAILURES["not masked"], FAILURES["too large: announced"]):
                failing = connection.open("/echo")
                failing.send(data)
                assert failing.closure()[0] == code
            connection.open("/echo").stream.reset()

            assert connection.open("/echo").leave(1000) == (1000, "")
            assert lasting.ask("Hello") == "Hello"
            assert connection.get("/").body == b"Hello"
            assert lasting.leave(1000) == (1000, "")
            assert connection.peer.goodbyes == []
