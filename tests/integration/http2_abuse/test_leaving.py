"""Clients that leave in the middle of everything: nothing of them stays."""

from __future__ import annotations

import pytest

from tests.integration.http2_abuse.attacks import (
    Attacker,
    attacker,
    narrow_attacker,
    per_stream,
    request_block,
    requests,
)
from tests.integration.http2_abuse.costs import (
    MIB,
    STREAMS,
    await_quiet,
    costing,
)
from tests.integration.serving import Server
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import MAX_WINDOW, Setting

ROUNDS = 4

GET = request_block("/await-disconnect?report=left")
POST = request_block("/echo", method="POST")
ENDLESS = request_block("/endless?report=left")
WHOLE = request_block("/whole")

# Answers wait for it, except where they are to wait for the socket.
NO_WINDOW = (Setting.INITIAL_WINDOW_SIZE, 0)

WIDE_WINDOW = (Setting.INITIAL_WINDOW_SIZE, MAX_WINDOW)

HALF_SECTION = frames.headers(1, GET, end_headers=False) + 3 * frames.continuation(
    1, bytes(16_384), end_headers=False
)
UPLOADS = per_stream(
    STREAMS,
    lambda number: (
        frames.headers(number, POST, end=False) + 2 * frames.data(number, bytes(16_384))
    ),
)

# What the server has got by then, and what is on its way.
MOMENTS = {
    "the start": (b"", b""),
    "half a frame": (b"", frames.headers(1, GET)[:20]),
    "half a header section": (b"", HALF_SECTION),
    "requests": (requests(STREAMS, GET), b""),
    "requests that are given up": (requests(STREAMS, GET), per_stream(STREAMS, frames.rst_stream)),
    "too many requests": (requests(300, GET), b""),
    "half an upload": (frames.headers(1, POST, end=False), frames.data(1, bytes(16_384))[:10_000]),
    "many half uploads": (UPLOADS, b""),
    "answers to come": (requests(STREAMS // 2, ENDLESS), requests(STREAMS // 2, WHOLE, 201)),
    "an error": (requests(STREAMS, GET), frames.data(0, b"on the connection")),
    "goodbye": (requests(STREAMS, GET), frames.goaway()),
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("moment", list(MOMENTS))
def test_leaving(victim: Server, scheme: str, moment: str) -> None:
    endpoint = victim.clear if scheme == "http" else victim.encrypted
    begun, rest = MOMENTS[moment]
    with costing(victim) as cost:
        for number in range(ROUNDS):
            with attacker(endpoint, NO_WINDOW) as client:
                client.send(begun)
                client.settle()
                client.send(rest)
                leave(client, number)
            await_quiet(victim)

    # There is never more than one of them.
    cost.check(cpu=2.0, memory=24 * MIB)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_leaving_unread_answers(victim: Server, scheme: str) -> None:
    """Twenty times what may wait for a client, and for the applications' next send."""
    endpoint = victim.clear if scheme == "http" else victim.encrypted
    with costing(victim) as cost:
        for number in range(20):
            with narrow_attacker(endpoint, WIDE_WINDOW) as client:
                client.send(frames.window_update(0, 2**30), requests(STREAMS, ENDLESS))
                client.await_answers(1)
                leave(client, number)
            await_quiet(victim)

    cost.check(cpu=4.0, memory=24 * MIB)


def leave(client: Attacker, number: int) -> None:
    """With a word, and without one, by turns."""
    if number % 2:
        client.reset()
    else:
        client.half_close()
