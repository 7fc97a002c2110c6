"""gRPC, by the client that people use: trailers, and streams that run both ways at once."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator

import grpc
import pytest

from tests.integration.apps.calls import SERVICE
from tests.integration.gates import report
from tests.integration.serving import Endpoint
from tests.peer import TIMEOUT

MEBIBYTE = 2**20


@pytest.fixture
def channel(endpoint: Endpoint) -> Iterator[grpc.Channel]:
    """Give a connection of its own: channels to one address share theirs if they may."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    if endpoint.authority is None:
        made = grpc.insecure_channel(endpoint.netloc, options)
    else:
        with open(endpoint.authority, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        made = grpc.secure_channel(endpoint.netloc, credentials, options)
    with made:
        yield made


def name(method: str) -> str:
    return f"{SERVICE}/{method}"


class Script(Iterator[bytes]):
    """The messages of a client that says each when its test has it do so."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def say(self, message: bytes) -> None:
        self._messages.put(message)

    def end(self) -> None:
        self._messages.put(None)

    def __next__(self) -> bytes:
        message = self._messages.get(timeout=TIMEOUT)
        if message is None:
            raise StopIteration
        return message


class TestUnary:
    @pytest.mark.parametrize("size", [0, 1, 100_000, 3 * MEBIBYTE])
    def test_message(self, channel: grpc.Channel, size: int) -> None:
        message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

        assert channel.unary_unary(name("Echo"))(message, timeout=TIMEOUT) == message

    def test_many_on_one_connection(self, channel: grpc.Channel) -> None:
        call = channel.unary_unary(name("Echo"))
        wanted = [b"%d" % number for number in range(200)]
        begun = [call.future(message, timeout=TIMEOUT) for message in wanted]

        assert [future.result(TIMEOUT) for future in begun] == wanted

    def test_metadata(self, channel: grpc.Channel) -> None:
        sent = (("x-head", "first"), ("x-head-bin", b"\x00\xff"), ("x-tail", "last"))
        call = channel.unary_unary(name("Metadata"))
        response, ended = call.with_call(b"message", timeout=TIMEOUT, metadata=sent)

        assert response == b"message"
        head = dict(ended.initial_metadata())
        assert head["x-head"] == "first"
        assert head["x-head-bin"] == b"\x00\xff"
        assert dict(ended.trailing_metadata())["x-tail"] == "last"


class TestStatus:
    def test_of_a_refusal(self, channel: grpc.Channel) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary(name("Fail"))(b"", timeout=TIMEOUT)

        assert raised.value.code() == grpc.StatusCode.NOT_FOUND
        assert raised.value.details() == "not here"

    def test_of_an_unknown_method(self, channel: grpc.Channel) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary(name("Unknown"))(b"", timeout=TIMEOUT)

        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED

    def test_after_messages(self, channel: grpc.Channel) -> None:
        call = channel.unary_stream(name("FailLate"))(b"", timeout=TIMEOUT)

        assert next(call) == b"first"
        with pytest.raises(grpc.RpcError) as raised:
            next(call)
        assert raised.value.code() == grpc.StatusCode.NOT_FOUND


class TestStreaming:
    def test_from_the_server(self, channel: grpc.Channel) -> None:
        wanted = json.dumps({"messages": 300, "size": 50_000}).encode()
        call = channel.unary_stream(name("Count"))(wanted, timeout=TIMEOUT)

        assert list(call) == [bytes([number % 256]) * 50_000 for number in range(300)]

    def test_from_the_client(self, channel: grpc.Channel) -> None:
        messages = (b"x" * 50_000 for _ in range(300))
        answer = channel.stream_unary(name("Total"))(messages, timeout=TIMEOUT)

        assert json.loads(answer) == [300, 300 * 50_000]

    def test_both_ways_by_turns(self, channel: grpc.Channel) -> None:
        """Each message comes back before the next one is sent."""
        script = Script()
        call = channel.stream_stream(name("Echo"))(script, timeout=TIMEOUT)
        for number in range(50):
            script.say(b"%d" % number)

            assert next(call) == b"%d" % number
        script.end()
        assert list(call) == []
        assert call.code() == grpc.StatusCode.OK

    def test_both_ways_at_once(self, channel: grpc.Channel) -> None:
        messages = [bytes([number]) * 30_000 for number in range(200)]
        call = channel.stream_stream(name("Echo"))(iter(messages), timeout=TIMEOUT)

        assert list(call) == messages

    def test_cancelled_by_the_client(
        self, channel: grpc.Channel, endpoint: Endpoint, gate: str
    ) -> None:
        call = channel.unary_stream(name("Wait"))(gate.encode(), timeout=TIMEOUT)
        assert next(call) == b"begun"
        call.cancel()

        assert report(endpoint, gate) == "http.disconnect"

    def test_deadline_of_the_client(self, channel: grpc.Channel) -> None:
        call = channel.unary_stream(name("Wait"))(b"deadline", timeout=0.1)

        with pytest.raises(grpc.RpcError) as raised:
            list(call)
        assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
