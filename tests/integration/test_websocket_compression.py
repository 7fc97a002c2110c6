"""permessage-deflate (RFC 7692) between the server and a client that is driven by hand."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.integration.gates import report
from tests.integration.serving import Endpoint
from tests.integration.websocket_compression import Inflater, deflated
from tests.integration.websocket_ways import VERSIONS, Opened, Way
from tests.websocket_peer import Opcode, continuation, frame, ping, text

OFFER = ("Sec-WebSocket-Extensions", "permessage-deflate")
LONG = b"compressible " * 100


def compressed(content: bytes) -> bytes:
    return frame(Opcode.TEXT, deflated(content), reserved=4)


def ask(websocket: Opened, inflater: Inflater, content: bytes) -> bytes:
    websocket.send(compressed(content))
    answer = websocket.frame()
    assert answer.opcode == Opcode.TEXT
    assert len(answer.payload) <= len(content)
    return inflater.content(answer)


def test_messages(way: Way) -> None:
    """Large and small, one after another."""
    with way.open("/echo", OFFER) as websocket:
        assert (websocket.answer["sec-websocket-extensions"] or "").startswith(OFFER[1])
        inflater = Inflater()
        for content in (LONG, b"", b"x", LONG, LONG * 100):
            assert ask(websocket, inflater, content) == content
        websocket.leave()


def test_is_worth_it(way: Way) -> None:
    with way.open("/echo", OFFER) as websocket:
        websocket.send(compressed(LONG))
        answer = websocket.frame()

        assert answer.compressed
        assert len(answer.payload) < len(LONG) // 4


def test_fragments(way: Way) -> None:
    """The first one alone says that they are compressed."""
    data = deflated(LONG)
    with way.open("/echo", OFFER) as websocket:
        websocket.send(
            frame(Opcode.TEXT, data[:5], fin=False, reserved=4),
            ping(b"in between"),
            continuation(data[5:10]),
            continuation(data[10:], fin=True),
        )

        assert websocket.pong() == b"in between"
        assert Inflater().content(websocket.frame()) == LONG


def test_broadcast(endpoint: Endpoint, gate: str) -> None:
    """To clients who have agreed on different things, and between whom other messages go."""
    offers = [None, OFFER[1], OFFER[1], f"{OFFER[1]}; server_no_context_takeover"]
    offers += [f"{OFFER[1]}; server_max_window_bits=9"] * 2
    with ExitStack() as stack:
        guests = []
        for offer in offers:
            for version in VERSIONS:
                fields = [] if offer is None else [(OFFER[0], offer)]
                way = Way(endpoint, version)
                websocket = stack.enter_context(way.open(f"/meet?room={gate}", *fields))
                assert websocket.frame().payload == b"welcome"
                alone = offer is not None and "no_context" in offer
                guests.append(Guest(websocket, alone))
        for number, guest in enumerate(guests):
            content = LONG + b"by %d" % number
            guest.websocket.send(text(content.decode()))

            assert [other.hears() for other in guests] == [content] * len(guests)


class Guest:
    """Somebody in a room; ``alone`` if each message that it gets is compressed for itself."""

    def __init__(self, websocket: Opened, alone: bool) -> None:
        self.websocket = websocket
        self._alone = alone
        self._inflater = Inflater()

    def hears(self) -> bytes:
        """Wait for a message."""
        if self._alone:
            self._inflater = Inflater()
        return self._inflater.content(self.websocket.frame())


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; client_max_window_bits=15; server_max_window_bits=15",
        "x-unknown, permessage-deflate; unknown, permessage-deflate",
        'permessage-deflate; server_max_window_bits="10"',
    ],
)
def test_offers(clear_way: Way, offer: str) -> None:
    with clear_way.open("/echo", (OFFER[0], offer)) as websocket:
        answer = websocket.answer["sec-websocket-extensions"] or ""
        assert answer.split(";")[0].strip() == "permessage-deflate"
        for parameter in ("server_no_context_takeover", "server_max_window_bits"):
            assert (parameter in answer) >= (parameter in offer)
        inflater = Inflater()
        for _ in range(2):
            if "server_no_context_takeover" in answer:
                inflater = Inflater()
            assert ask(websocket, inflater, LONG) == LONG
        websocket.leave()


@pytest.mark.parametrize(
    "offer",
    [
        "x-unknown",
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ],
)
def test_offers_that_are_declined(clear_way: Way, offer: str) -> None:
    with clear_way.open("/echo", (OFFER[0], offer)) as websocket:
        assert websocket.answer["sec-websocket-extensions"] is None
        assert websocket.ask(LONG.decode()) == LONG.decode()
        websocket.leave()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(Opcode.TEXT, b"\xff" * 20, reserved=4), 1007),
        (frame(Opcode.TEXT, deflated(b"\xff"), reserved=4), 1007),
        (frame(Opcode.TEXT, b"", fin=False) + frame(0, b"", reserved=4), 1002),
        (frame(Opcode.PING, b"", reserved=4), 1002),
    ],
    ids=["no deflate", "no UTF-8", "second fragment", "ping"],
)
def test_failures(clear_way: Way, gate: str, data: bytes, code: int) -> None:
    with clear_way.open(f"/record?report={gate}", OFFER) as websocket:
        websocket.send(data)

        assert websocket.closure()[0] == code
    assert report(clear_way.endpoint, gate)["messages"][-1]["code"] == code
