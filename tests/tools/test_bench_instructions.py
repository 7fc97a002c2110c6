"""Counts are read from callgrind, layers are told apart, and the programs counted still run."""

from __future__ import annotations

import asyncio
import statistics

import pytest

from benchmarks import callgrind, instructions
from benchmarks.drivers import (
    layers,
    messages,
    multiplexed,
    request,
    request_frames,
    whole,
)
from benchmarks.drivers.request_frames import Client
from development.commands import CommandError

CALLGRIND = """==1234== Callgrind, a call-graph generating cache profiler
==1234== Events    : Ir
==1234== Collected : 1234567890
==1234==
"""


def test_the_number_of_instructions_is_read() -> None:
    assert callgrind.count(CALLGRIND) == 1234567890
    with pytest.raises(CommandError, match="not understood"):
        callgrind.count("==1234== Callgrind")


def test_repetitions_are_what_the_programs_do_at_a_time() -> None:
    assert 0 < callgrind.FEW < callgrind.MANY
    for times in (callgrind.FEW, callgrind.MANY):
        assert times % whole.CONNECTIONS == 0
        assert times % multiplexed.STREAMS == 0
        assert times % layers.TASKS_IN_A_TURN == 0


def test_layers_add_up_to_the_whole() -> None:
    counts = dict(zip(layers.LAYERS, (10, 110, 160, 30, 20, 65, 15), strict=True))

    rows = instructions.layers(counts, 250)

    assert [value for _, value in rows] == [100, 50, 30, 20, 50, 15, -15, 250]
    assert sum(value for _, value in rows[:-1]) == rows[-1][1]


@pytest.mark.parametrize("name", layers.LAYERS)
def test_each_layer_runs(name: str) -> None:
    asyncio.run(layers.run(layers.LAYERS[name], layers.TASKS_IN_A_TURN))


@pytest.mark.parametrize("kind", request.KINDS)
def test_the_whole_runs(kind: str) -> None:
    asyncio.run(whole.drive("hypercorn", request.KINDS[kind](2 * whole.CONNECTIONS)))


@pytest.mark.parametrize("kind", request_frames.KINDS)
def test_the_whole_runs_by_http2(kind: str) -> None:
    client = Client()
    frames = request_frames.KINDS[kind](client, 2 * multiplexed.STREAMS)
    asyncio.run(multiplexed.drive("hypercorn", client, frames))


@pytest.mark.parametrize("kind", messages.KINDS)
def test_the_whole_runs_by_websocket(kind: str) -> None:
    asyncio.run(messages.drive("hypercorn", messages.KINDS[kind](2 * whole.CONNECTIONS)))


def test_new_messages_are_new_and_as_large_as_they_are_said_to_be() -> None:
    payloads = [each.payload for each in messages.new(callgrind.MANY)]

    assert len(set(payloads)) == len(payloads) == callgrind.MANY
    assert {len(payload) for payload in payloads} == {20}


def test_every_row_is_compared_to_one_of_the_same_kind() -> None:
    for row in instructions.ROWS:
        base = instructions.ROWS[row.base]
        assert base.server.name == "uvicorn"
        assert base.protocol.startswith(row.protocol.split("/")[0])


def test_what_repeats_itself_is_compressed_away() -> None:
    """A header of nine bytes, then pseudo-header fields, the browser's fields and the cookie."""
    same, new = (kind(Client(), 100) for kind in request_frames.KINDS.values())

    assert {len(frame) for frame in same[1:]} == {18}
    # Now and then new cookies drive another field out of the table, which comes back then.
    assert 18 < statistics.median(len(frame) for frame in new) < 50
    assert len({frame[9:] for frame in new}) == 100


def test_new_requests_are_new_and_of_one_size() -> None:
    requests = request.new(callgrind.MANY)

    assert len(set(requests)) == len(requests) == callgrind.MANY
    assert len({head.split(b"\r\n", 1)[1] for head in requests}) == callgrind.MANY
    assert len({len(head) for head in requests}) == 1
