"""HTTP/2 frame for frame: how it begins, and one request and its answer."""

from __future__ import annotations

import base64
import json
import socket

import pytest

from tests.integration.gates import await_gate, open_gate, report
from tests.integration.http2_peer import LARGE_WINDOW, HTTP2Peer, http2, offering, stalled
from tests.integration.serving import Endpoint, Server
from tests.peer import IncompleteAnswer, Peer
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Code, Flag, Setting, Type

CONTENT = bytes(range(256)) * 700
BLOCK = bytes(range(256)) * 256


class TestALPN:
    @pytest.mark.parametrize("offered", [["h2"], ["h2", "http/1.1"], ["http/1.1", "h2"]])
    def test_http_2_is_preferred(self, server: Server, offered: list[str]) -> None:
        with server.encrypted.open(offering(server.encrypted, *offered)) as sock:
            assert sock.selected_alpn_protocol() == "h2"  # type: ignore[attr-defined]

    @pytest.mark.parametrize("offered", [["http/1.1"], ["http/1.0"], []])
    def test_others_get_http_1_1(self, server: Server, offered: list[str]) -> None:
        with server.encrypted.connect(offering(server.encrypted, *offered)) as peer:
            assert json.loads(peer.get("/scope").body)["http_version"] == "1.1"


class TestPriorKnowledge:
    def test_byte_for_byte(self, server: Server) -> None:
        with server.clear.open() as sock:
            peer = HTTP2Peer(sock, server.clear)
            stream_id, request = peer.head("/")
            for byte in frames.PREFACE + frames.settings() + request:
                peer.send(bytes([byte]))

            assert peer.answer(stream_id).body == b"Hello"

    def test_settings_of_the_server(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            assert peer.observer.settings[Setting.MAX_CONCURRENT_STREAMS] >= 100
            assert peer.observer.settings[Setting.NO_RFC7540_PRIORITIES] == 1

    def test_of_something_else(self, server: Server) -> None:
        """What begins like the preface and goes on otherwise."""
        with server.clear.connect() as peer:
            peer.send(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")

            assert b"Hello" not in peer.rest()


class TestUpgrade:
    """RFC 7540 section 3.2."""

    def test_first_stream_is_the_request(self, server: Server) -> None:
        with server.clear.open() as sock:
            peer = upgraded(sock, server.clear, "/scope", (Setting.ENABLE_PUSH, 0))
            scope = json.loads(peer.answer(1).body)

            assert scope["http_version"] == "2"
            assert scope["path"] == "/scope"
            names = [name for name, _ in scope["headers"]]
            assert not {"connection", "upgrade", "http2-settings"} & set(names)
            assert peer.get("/").body == b"Hello"

    def test_settings_of_the_request_count(self, server: Server) -> None:
        window = (Setting.INITIAL_WINDOW_SIZE, 10)
        with server.clear.open() as sock:
            peer = upgraded(sock, server.clear, "/stream?blocks=1", window)
            peer.start_of_answer(1)
            peer.settle()

            assert sum(len(frame.payload) for frame in peer.frames) == 10

    def test_not_over_tls(self, server: Server) -> None:
        with server.encrypted.connect() as peer:
            peer.request("/scope", *upgrade_fields((Setting.ENABLE_PUSH, 0)))

            assert json.loads(peer.answer().body)["http_version"] == "1.1"


def upgrade_fields(*settings: tuple[int, int]) -> list[str]:
    """The fields that ask for HTTP/2 and bring the payload of a SETTINGS frame."""
    payload = frames.settings(*settings)[frames.HEADER_SIZE :]
    text = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    return ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", f"HTTP2-Settings: {text}"]


def upgraded(
    sock: socket.socket, endpoint: Endpoint, target: str, *settings: tuple[int, int]
) -> HTTP2Peer:
    """Ask for HTTP/2, read the server's consent, and begin."""
    Peer(sock, endpoint.netloc).request(target, *upgrade_fields(*settings))
    consent = b""
    while not consent.endswith(b"\r\n\r\n"):
        consent += sock.recv(1)
    assert consent.startswith(b"HTTP/1.1 101 ")
    peer = HTTP2Peer(sock, endpoint)
    peer.start(settings, upgraded=True)
    return peer


class TestAnswers:
    def test_head_is_one_frame(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            frame = peer.take(peer.request("/", method="HEAD"), Type.HEADERS)

            assert frame.has(Flag.END_STREAM)
            assert (b"content-type", b"text/plain") in frame.fields

    def test_head_of_what_comes_in_pieces(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            answer = peer.answer(peer.request("/length?length=4&size=4", method="HEAD"))

            assert answer["content-length"] == "4"
            assert answer.body == b""

    @pytest.mark.parametrize("status", [204, 304])
    def test_without_content_is_one_frame(self, endpoint: Endpoint, status: int) -> None:
        with http2(endpoint) as peer:
            frame = peer.take(peer.request(f"/status?status={status}"), Type.HEADERS)

            assert frame.has(Flag.END_STREAM)

    def test_pieces_arrive_as_they_are_sent(self, endpoint: Endpoint, gate: str) -> None:
        with http2(endpoint) as peer:
            stream_id = peer.request(f"/stream-with-gate?gate={gate}")
            peer.start_of_answer(stream_id)

            assert peer.take(stream_id, Type.DATA).content == b"first"
            open_gate(endpoint, gate)
            assert peer.take(stream_id, Type.DATA).content == b"second"

    def test_early_hint(self, endpoint: Endpoint, gate: str) -> None:
        with http2(endpoint) as peer:
            stream_id = peer.request(f"/early-hint?gate={gate}")
            hint = peer.start_of_answer(stream_id)

            assert hint.status == 103
            assert hint.headers == [("link", "</a>; rel=preload"), ("link", "</b>")]
            open_gate(endpoint, gate)
            assert peer.answer(stream_id).body == b"final"

    def test_trailers(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            answer = peer.get("/trailers", ("te", "trailers"))

            assert answer.body == b"content"
            assert answer.trailers == [("digest", "abc"), ("other", "1")]

    @pytest.mark.parametrize("target", ["/raise-after-body", "/stop-halfway"])
    def test_stopped_within_the_answer(self, endpoint: Endpoint, target: str) -> None:
        """The client can tell, and the connection is none the worse."""
        with http2(endpoint) as peer:
            with pytest.raises(IncompleteAnswer) as raised:
                peer.get(target)

            assert raised.value.args == (Code.INTERNAL_ERROR,)
            assert peer.get("/").body == b"Hello"

    @pytest.mark.parametrize("size", [2, 6])
    def test_wrong_content_length(self, endpoint: Endpoint, size: int) -> None:
        with http2(endpoint) as peer:
            with pytest.raises(IncompleteAnswer):
                peer.get(f"/length?length=4&size={size}")

            assert peer.get("/").body == b"Hello"

    def test_expectation(self, endpoint: Endpoint, gate: str) -> None:
        with http2(endpoint) as peer:
            fields = ("expect", "100-continue")
            stream_id = peer.request(f"/late-reader?gate={gate}", fields, method="POST", end=False)
            peer.settle()
            assert peer.frames == []
            open_gate(endpoint, gate)

            assert peer.start_of_answer(stream_id).status == 100
            peer.upload(stream_id, b"body")
            assert peer.answer(stream_id).body == b"body"


class TestRequests:
    def test_trailers_are_read_and_dropped(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            stream_id = peer.request("/messages", method="POST", end=False)
            peer.upload(stream_id, b"abc", end=False)
            peer.trailers(stream_id, ("x-trailer", "1"))
            messages = json.loads(peer.answer(stream_id).body)

            assert "".join(message["body"] for message in messages) == "abc"
            assert {frozenset(message) for message in messages} == {
                frozenset({"type", "body", "more_body"})
            }

    def test_cookies_are_one_field(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            scope = json.loads(peer.get("/scope", ("cookie", "a=1"), ("cookie", "b=2")).body)

            assert scope["headers"] == [["host", endpoint.netloc], ["cookie", "a=1; b=2"]]

    @pytest.mark.parametrize("size", [66_000, 200_000])
    def test_head_that_is_too_large(self, endpoint: Endpoint, size: int) -> None:
        with http2(endpoint) as peer:
            answer = peer.get("/", *[("x-large", "x" * 1000)] * (size // 1000))

            assert answer.status == 431
            assert peer.get("/").body == b"Hello"

    def test_head_of_several_frames(self, endpoint: Endpoint) -> None:
        with http2(endpoint) as peer:
            fields = [(f"x-{number}", "~" * 1000) for number in range(50)]
            scope = json.loads(peer.get("/scope", *fields).body)

            assert [tuple(field) for field in scope["headers"][1:]] == fields

    def test_answer_before_the_upload_was_read(self, endpoint: Endpoint) -> None:
        """The client is told that it need not go on (RFC 9113 section 8.1)."""
        with http2(endpoint) as peer:
            stream_id = peer.request("/no-reader", method="POST", end=False)
            assert peer.answer(stream_id).status == 403

            assert peer.take(stream_id, Type.RST_STREAM).code == Code.NO_ERROR
            assert peer.get("/").body == b"Hello"

    def test_content_ends_while_the_answer_waits(self, endpoint: Endpoint) -> None:
        """It is complete though nobody has taken it, and the answer gets through."""
        with stalled(endpoint) as peer:
            length = ("content-length", "10")
            stream_id = peer.request("/no-reader", length, method="POST", end=False)
            peer.read_until(lambda: bool(peer.frames))
            peer.upload(stream_id, b"x" * 10)
            peer.settle()
            peer.send(frames.window_update(stream_id, LARGE_WINDOW))

            assert peer.answer(stream_id).body == b"unread"

    def test_reset_by_the_client(self, endpoint: Endpoint, gate: str) -> None:
        with http2(endpoint) as peer:
            stream_id = peer.request(f"/await-disconnect?report={gate}")
            await_gate(endpoint, f"{gate}-begun")
            peer.reset(stream_id, Code.CANCEL)
            seen = report(endpoint, gate)

            assert seen["last"] == {"type": "http.disconnect"}
            assert seen["raised"] == ["ClientDisconnected"]

    def test_connection_lost(self, endpoint: Endpoint, gate: str) -> None:
        """Every application on it learns so."""
        with http2(endpoint) as peer:
            for number in range(3):
                peer.request(f"/await-disconnect?report={gate}-{number}")
                await_gate(endpoint, f"{gate}-{number}-begun")
        for number in range(3):
            assert report(endpoint, f"{gate}-{number}")["last"] == {"type": "http.disconnect"}
