"""What an application receives: content in every framing, and the end of a client."""

from __future__ import annotations

import http.client
import json
import ssl
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.integration.clients import Client, curl
from tests.integration.gates import await_gate, open_gate, report
from tests.integration.serving import Endpoint, Server
from tests.peer import TIMEOUT, Peer

CONTENT = bytes(range(256)) * 700


class TestContent:
    @pytest.mark.parametrize("content", [b"", b"x", CONTENT], ids=len)
    def test_content_length(self, endpoint: Endpoint, client: Client, content: bytes) -> None:
        answer = client(endpoint, "POST", "/echo", content)

        assert answer.body == content

    def test_chunked_by_httpx(self, endpoint: Endpoint) -> None:
        def pieces():
            for at in range(0, len(CONTENT), 10_000):
                yield CONTENT[at : at + 10_000]

        with httpx.Client(verify=endpoint.context or True, trust_env=False) as client:
            response = client.post(endpoint.url("/echo"), content=pieces())

        assert response.request.headers["transfer-encoding"] == "chunked"
        assert response.content == CONTENT

    def test_chunked_by_http_client(self, server: Server) -> None:
        where = server.clear
        connection = http.client.HTTPConnection(where.host, where.port, timeout=TIMEOUT)
        pieces = iter([b"first ", b"second"])
        connection.request("POST", "/echo", pieces, encode_chunked=True)
        with connection.getresponse() as response:
            body = response.read()
        connection.close()

        assert body == b"first second"

    def test_chunked_byte_for_byte(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            head = peer.head("/echo", "Transfer-Encoding: chunked", method="POST")
            for byte in head + b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n":
                peer.send(bytes([byte]))

            assert peer.answer().body == b"abcd"
            assert peer.get("/").body == b"Hello"

    def test_trailers_are_read_and_dropped(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.request("/messages", "Transfer-Encoding: chunked", method="POST")
            peer.send(b"3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n")
            messages = json.loads(peer.answer().body)

            assert "".join(message["body"] for message in messages) == "abc"
            assert {frozenset(message) for message in messages} == {
                frozenset({"type", "body", "more_body"})
            }
            assert peer.get("/").body == b"Hello"

    def test_no_content_is_one_message(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            messages = json.loads(peer.get("/messages").body)

        assert messages == [{"type": "http.request", "body": "", "more_body": False}]

    def test_unread_content_does_not_spoil_the_next_request(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            for _ in range(3):
                peer.request("/no-reader", method="POST", body=b"GET /smuggled HTTP/1.1\r\n\r\n")

                assert peer.answer().body == b"unread"
            assert peer.get("/").body == b"Hello"

    def test_refusal_of_a_large_upload_is_seen_by_the_client(self, endpoint: Endpoint) -> None:
        """The answer is not destroyed by a reset (RFC 9112 section 9.6)."""
        with endpoint.connect() as peer:
            peer.send(peer.head("/no-reader", method="POST", length=10_000_000))
            with suppress(OSError):  # asyncio does not read on once it has closed TLS
                peer.send(CONTENT)
            answer = peer.answer()

            assert answer.status == 403
            assert peer.ended()


class TestContinue:
    """RFC 9110 section 10.1.1."""

    EXPECT = "Expect: 100-continue"

    def test_curl(self, server: Server) -> None:
        options = ("--header", self.EXPECT, "--expect100-timeout", "60", "--data-binary", "@-")
        url = server.clear.url("/echo")

        assert curl(*options, url, stdin=CONTENT) == CONTENT

    def test_sent_when_the_application_first_receives(self, endpoint: Endpoint, gate: str) -> None:
        with endpoint.connect() as peer, endpoint.connect() as other:
            peer.send(peer.head(f"/late-reader?gate={gate}", self.EXPECT, method="POST", length=4))
            # The server has turned to later requests, and the client has got nothing.
            assert other.get("/").body == b"Hello"
            peer.sock.settimeout(0.01)
            with pytest.raises((TimeoutError, ssl.SSLWantReadError)):
                peer.sock.recv(1)
            peer.sock.settimeout(TIMEOUT)
            assert other.get(f"/open?gate={gate}").body == b"open"
            interim = peer.raw_answer()

            assert interim.status == 100
            assert interim.headers == []
            peer.send(b"body")
            assert peer.raw_answer().body == b"body"

    def test_not_sent_if_the_application_does_not_receive(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.send(peer.head("/no-reader", self.EXPECT, method="POST", length=4))
            answer = peer.answer()

            assert answer.status == 403
            # Whether the client will send the content cannot be known.
            assert answer["connection"] == "close"

    def test_not_sent_if_the_client_does_not_wait(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.request("/echo", self.EXPECT, method="POST", body=b"body")

            assert peer.answer().body == b"body"

    def test_other_expectation(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.request("/echo", "Expect: payment", method="POST", body=b"body")

            assert peer.answer().status == 417


class TestDisconnect:
    @pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
    def test_client_leaves(self, endpoint: Endpoint, gate: str, leave: Any) -> None:
        peer = endpoint.connect()
        peer.request(f"/await-disconnect?report={gate}")
        await_gate(endpoint, f"{gate}-begun")
        leave(peer)
        seen = report(endpoint, gate)

        assert seen["last"] == {"type": "http.disconnect"}
        assert seen["raised"] == ["ClientDisconnected"]
        assert seen["again"] == {"type": "http.disconnect"}

    def test_client_leaves_within_its_upload(self, endpoint: Endpoint, gate: str) -> None:
        with endpoint.connect() as peer:
            target = f"/await-disconnect?report={gate}"
            peer.send(peer.head(target, method="POST", length=10) + b"half")
            await_gate(endpoint, f"{gate}-begun")

        assert report(endpoint, gate)["last"] == {"type": "http.disconnect"}

    def test_client_half_closes(self, server: Server, gate: str) -> None:
        """It may have left: an application that asks is told so, and cannot send any more."""
        with server.clear.connect() as peer:
            peer.request(f"/await-disconnect?report={gate}")
            peer.half_close()
            seen = report(server.clear, gate)

            assert seen["last"] == {"type": "http.disconnect"}
            assert seen["raised"] == ["ClientDisconnected"]
            assert peer.ended()

    def test_client_half_closes_and_is_answered(self, server: Server, gate: str) -> None:
        """It may be reading still: an application that does not ask can answer."""
        with server.clear.connect() as peer:
            peer.request(f"/wait?gate={gate}")
            peer.half_close()
            await_gate(server.clear, f"{gate}-begun")
            open_gate(server.clear, gate)

            assert peer.answer().body == gate.encode()
            assert peer.ended()

    def test_half_close_before_any_request(self, server: Server) -> None:
        with server.clear.connect() as peer:
            peer.half_close()

            assert peer.ended()

    def test_half_close_within_a_head(self, server: Server) -> None:
        with server.clear.connect() as peer:
            peer.send(b"GET / HTTP/1.1\r\nHost")
            peer.half_close()

            assert peer.ended()

    def test_close_within_the_answer(self, endpoint: Endpoint, gate: str) -> None:
        peer = endpoint.connect()
        peer.request(f"/endless?report={gate}")
        assert peer.start().status == 200
        peer.close()

        assert report(endpoint, gate) == {"raised": "ClientDisconnected"}

    def test_disconnect_of_a_pipelining_client(self, endpoint: Endpoint, gate: str) -> None:
        """It is seen while further requests wait."""
        peer = endpoint.connect()
        peer.request(f"/await-disconnect?report={gate}")
        peer.send(peer.head("/") * 3)
        await_gate(endpoint, f"{gate}-begun")
        peer.close()

        assert report(endpoint, gate)["last"] == {"type": "http.disconnect"}

    def test_complete_answer_then_disconnect(self, endpoint: Endpoint, gate: str) -> None:
        """After its answer an application receives a disconnect though the client is there."""
        with endpoint.connect() as peer:
            assert peer.get(f"/receive-after-answer?report={gate}").body == b"answered"
            assert report(endpoint, gate) == {"type": "http.disconnect"}
