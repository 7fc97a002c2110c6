"""WebSocket under load: what is served, how much of it a round has, and what is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cli, servers, websocket
from benchmarks.applications import websocket_broadcast, websocket_echo
from benchmarks.clients import websocket_parts
from benchmarks.websocket import Round

Message = dict[str, Any]


def run_application(app: Any, received: Sequence[Message]) -> list[Message]:
    """Run an application that is given messages, and give those that it sends."""
    source, sent = iter(received), []

    async def receive() -> Message:
        return next(source)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app({"type": "websocket"}, receive, send))
    return sent


@pytest.mark.parametrize(
    "received",
    [{"text": "a"}, {"bytes": b"a"}, {"text": "a", "bytes": None}, {"text": None, "bytes": b"a"}],
)
def test_what_came_is_sent_back_as_what_it_was(received: Message) -> None:
    sent = run_application(
        websocket_echo.app,
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", **received},
            {"type": "websocket.disconnect", "code": 1000},
        ],
    )

    (content,) = [{key: value} for key, value in received.items() if value is not None]
    assert sent == [{"type": "websocket.accept"}, {"type": "websocket.send", **content}]


def test_a_broadcast_goes_to_everybody_who_is_still_there() -> None:
    theirs: list[Message] = []

    async def gone(message: Message) -> None:
        raise OSError

    async def other(message: Message) -> None:
        theirs.append(message)

    websocket_broadcast.sends.update((gone, other))
    try:
        ours = run_application(
            websocket_broadcast.app,
            [
                {"type": "websocket.connect"},
                {"type": "websocket.receive", "bytes": b"a"},
                {"type": "websocket.disconnect", "code": 1000},
            ],
        )
        assert websocket_broadcast.sends == {gone, other}
    finally:
        websocket_broadcast.sends.clear()

    assert theirs == ours[1:] == [{"type": "websocket.send", "bytes": b"a"}]


def test_a_round_takes_about_as_long_as_it_is_to() -> None:
    echo, broadcast = websocket.LOADS["pipelined"], websocket.LOADS["broadcast-16"]

    assert websocket.messages_for(echo, 8000.0, 3) == 3000
    assert websocket.messages_for(echo, 1.0, 1) == 2 * echo.depth
    assert websocket.messages_for(broadcast, 25_600.0, 3) == 300
    assert websocket.messages_for(broadcast, 1e9, 3) == 2500 < websocket_parts.MOST_BROADCASTS


def test_cells_are_medians() -> None:
    """A machine that is three times slower in one round is so for both servers."""
    ours = [Round(300.0, 5e-6), Round(100.0, 15e-6), Round(200.0, 5.5e-6)]
    theirs = [Round(150.0, 10e-6), Round(50.0, 30e-6), Round(100.0, 10e-6)]

    assert list(websocket.figures(ours, theirs)) == ["200", "5.50", "5.00", "0.50"]
    assert list(websocket.figures(ours, [])) == ["200", "5.50", "5.00", "-"]


def test_everything_is_measured_unless_told_otherwise() -> None:
    options = cli.parse(["websocket"])

    assert (options.seconds, options.rounds) == (3, 3)
    assert options.servers == list(servers.NAMES)
    assert options.loads == list(websocket.LOADS)
    assert cli.parse(["memory"]).kind == "keep-alive"


def test_what_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["websocket", "--loads", "huge,20"]) == 1
    assert "nothing is named huge" in capsys.readouterr().err


def test_servers_without_compression_are_left_out_of_it() -> None:
    without = [server.name for server in servers.PEERS.values() if not server.compresses]

    assert without == ["granian", "gunicorn (asgi)"]


def test_the_certificate_s_authority_is_told() -> None:
    assert websocket.LOADS["tls"].options(7, Path("authority.pem"))[-2:] == [
        "--tls",
        "authority.pem",
    ]
