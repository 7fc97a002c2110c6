"""Frames that ask for no work, by the hundred thousand: the sender is told to calm down.

Each of them is cheap to send and costs the server something to take note of, and some of them an
acknowledgement. A client in need of a few is not disturbed.
"""

from __future__ import annotations

import pytest

from tests.integration.http2_abuse.attacks import (
    attacker,
    narrow_attacker,
    request_block,
)
from tests.integration.http2_abuse.costs import (
    costing,
)
from tests.integration.serving import Server
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Setting

COUNT = 100_000

# A request that stays open until its client leaves.
POST = frames.headers(1, request_block("/await-disconnect?report=flood", method="POST"), end=False)

FLOODS = {
    "SETTINGS": frames.settings((Setting.MAX_FRAME_SIZE, 16_384)),
    "empty SETTINGS": frames.settings(),
    "SETTINGS of all sorts": frames.settings(*[(number, 1) for number in range(100, 1000)]),
    "SETTINGS ACK": frames.SETTINGS_ACK,
    "PING": frames.ping(),
    "PING ACK": frames.ping(ack=True),
    "PRIORITY": frames.priority(1, 3),
    "PRIORITY of streams to come": frames.priority(10_001, 3),
    "PRIORITY_UPDATE": frames.priority_update(1),
    "PRIORITY_UPDATE of streams to come": frames.priority_update(10_001),
    "long PRIORITY_UPDATE": frames.priority_update(1, b"u=1," * 4000 + b"i"),
    "unknown": frames.frame(0xFA, 0xFF, 1, b"whatever"),
    "empty and unknown": frames.frame(0xFA),
    "ORIGIN": frames.frame(0x0C),
    "ALTSVC": frames.frame(0x0A, 0, 0, b"\0\0"),
    "WINDOW_UPDATE": frames.window_update(0, 1),
    "WINDOW_UPDATE of a stream": frames.window_update(1, 1),
    "empty DATA": frames.data(1),
    "DATA of padding": frames.data(1, pad=0),
    "DATA of much padding": frames.data(1, pad=255),
    "RST_STREAM of a closed stream": frames.rst_stream(1),
    "WINDOW_UPDATE of a closed stream": frames.window_update(1, 1),
    "GOAWAY": frames.goaway(),
}

ON_CLOSED_STREAM = {
    "RST_STREAM of a closed stream",
    "WINDOW_UPDATE of a closed stream",
    "PRIORITY of streams to come",
    "PRIORITY_UPDATE of streams to come",
}

# Of the largest kinds fewer will do.
LARGEST = 2 * 1024 * 1024


def flood(name: str, most: int = COUNT) -> bytes:
    """So many of one kind, behind what makes them valid."""
    frame = FLOODS[name]
    begin = frames.rst_stream(1) if name in ON_CLOSED_STREAM else b""
    return POST + begin + frame * min(most, max(LARGEST // len(frame), 2000))


@pytest.mark.parametrize("name", list(FLOODS))
def test_flood(victim: Server, name: str) -> None:
    with costing(victim) as cost, attacker(victim.clear) as client:
        client.send(flood(name))
        client.await_calm()

    cost.check(cpu=0.6)
    # What is answered at all is answered up to there.
    assert len(client.frames) < 1100


@pytest.mark.parametrize("name", ["SETTINGS", "PING"])
def test_flood_whose_answers_are_not_read(victim: Server, name: str) -> None:
    with costing(victim) as cost, narrow_attacker(victim.clear) as client:
        client.send(flood(name))
        client.await_calm()

    cost.check(cpu=0.6)


@pytest.mark.parametrize("name", ["SETTINGS", "PING", "empty DATA"])
def test_flood_over_tls(victim: Server, name: str) -> None:
    """No more than is read at once: TLS cannot end its output alone, so that what comes later
    destroys what the server said last."""
    with costing(victim) as cost, attacker(victim.encrypted) as client:
        client.send(flood(name, 1200))
        client.await_calm()

    cost.check(cpu=0.6)
