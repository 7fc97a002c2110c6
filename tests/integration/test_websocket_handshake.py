"""How a WebSocket begins, or does not (RFC 6455 section 4, RFC 8441)."""

from __future__ import annotations

import json

import pytest

from tests.integration.gates import open_gate
from tests.integration.serving import Endpoint, Server
from tests.integration.websocket_ways import ACCEPT, KEY, HTTP2Connection, Way, handshake_fields
from tests.peer import IncompleteAnswer
from tests.protocols.http2.frames import Code, Setting

OFFER = ("Sec-WebSocket-Protocol", "one, two")


class TestAccepting:
    def test_plain(self, way: Way) -> None:
        with way.open("/echo") as websocket:
            answer = websocket.answer
            websocket.leave()

        first = way.version == "1.1"
        assert answer["sec-websocket-accept"] == (ACCEPT if first else None)
        assert (answer["upgrade"] or "").lower() == ("websocket" if first else "")
        assert (answer["connection"] or "").lower() == ("upgrade" if first else "")
        for name in ("protocol", "extensions", "version", "key"):
            assert answer[f"sec-websocket-{name}"] is None
        assert answer["content-length"] is None
        assert answer["transfer-encoding"] is None

    def test_subprotocol_and_field(self, way: Way) -> None:
        target = "/choose?subprotocol=two&name=x-field&value=%C3%A9"
        with way.open(target, OFFER) as websocket:
            assert websocket.answer["sec-websocket-protocol"] == "two"
            assert websocket.answer["x-field"] == "é".encode().decode("latin-1")
            websocket.leave()

    def test_subprotocol_that_is_not_wanted(self, way: Way) -> None:
        with way.open("/choose", OFFER) as websocket:
            assert websocket.answer["sec-websocket-protocol"] is None
            websocket.leave()

    @pytest.mark.parametrize(
        "query",
        [
            "subprotocol=three",
            "name=sec-websocket-accept&value=x",
            "name=sec-websocket-extensions&value=permessage-deflate",
            "name=x-field&value=a%0D%0Ab",
        ],
    )
    def test_what_an_application_may_not_accept_with(self, clear_way: Way, query: str) -> None:
        answer = clear_way.refusal(f"/choose?{query}", OFFER)

        assert answer.status == 500
        assert answer["x-field"] is None

    def test_lists_in_several_fields(self, way: Way) -> None:
        offers = [("Sec-WebSocket-Protocol", "one"), ("Sec-WebSocket-Protocol", "two, three")]
        with way.open("/scope", *offers) as websocket:
            scope = json.loads(websocket.message())
            websocket.leave()

        assert scope["subprotocols"] == ["one", "two", "three"]

    @pytest.mark.parametrize(
        ("connection", "upgrade"),
        [("keep-alive, Upgrade", "websocket"), ("upgrade", "WebSocket"), ("UPGRADE", "WEBSOCKET")],
    )
    def test_spelling(self, server: Server, connection: str, upgrade: str) -> None:
        fields = [("Connection", connection), ("Upgrade", upgrade)]
        with Way(server.clear, "1.1").open("/echo", *fields) as websocket:
            assert websocket.ask("Hello") == "Hello"
            websocket.leave()


class TestRefusing:
    """On a connection that goes on."""

    def test_close_before_accepting(self, way: Way) -> None:
        with way.connect() as connection:
            answer = connection.refusal("/deny")

            assert answer.status == 403
            assert answer.body == b""
            assert connection.get("/").body == b"Hello"

    def test_response(self, way: Way) -> None:
        with way.connect() as connection:
            answer = connection.refusal("/deny-by-response?status=401")

            assert answer.status == 401
            assert answer.body == b"here"
            assert answer["x-why"] == "because"
            assert connection.get("/").body == b"Hello"

    def test_response_in_pieces(self, way: Way, gate: str) -> None:
        with way.connect() as connection:
            connection.ask(f"/deny-by-response?status=410&gate={gate}")
            if isinstance(connection, HTTP2Connection):
                answer = connection.peer.start_of_answer(1)
                data = connection.stream().receive()
            else:
                answer = connection.peer.start()
                data = connection.peer.chunk()
            assert answer.status == 410
            assert data == b"not "
            open_gate(way.endpoint, gate)

            if isinstance(connection, HTTP2Connection):
                assert connection.stream().receive() == b"here"
            else:
                assert connection.peer.chunk() == b"here"
                assert connection.peer.chunk() == b""
            assert connection.get("/").body == b"Hello"

    @pytest.mark.parametrize("target", ["/leave-first", "/fail-first"])
    def test_application_that_ends(self, way: Way, target: str) -> None:
        with way.connect() as connection:
            assert connection.refusal(target).status == 500
            assert connection.get("/").body == b"Hello"

    def test_application_that_fails_is_logged(self, way: Way, server: Server) -> None:
        way.refusal("/fail-first")

        server.await_log("LookupError: a mistake before a handshake")


class TestBadHandshakes:
    @pytest.mark.parametrize("version", ["8", "12", "14", "013", "13, 8", "x", ""])
    def test_version(self, clear_way: Way, version: str) -> None:
        answer = clear_way.refusal("/echo", ("Sec-WebSocket-Version", version))

        assert answer.status == 426
        assert answer["sec-websocket-version"] == "13"
        assert answer["upgrade"] == ("websocket" if clear_way.version == "1.1" else None)

    @pytest.mark.parametrize(
        "field",
        [
            ("Sec-WebSocket-Protocol", "one, one"),
            ("Sec-WebSocket-Protocol", "a b"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; ="),
            ("Sec-WebSocket-Extensions", 'x; y="'),
        ],
    )
    def test_grammar(self, clear_way: Way, field: tuple[str, str]) -> None:
        assert clear_way.refusal("/echo", field).status == 400

    @pytest.mark.parametrize(
        "key",
        ["", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZSBub25j==="],
    )
    def test_key(self, server: Server, key: str) -> None:
        answer = Way(server.clear, "1.1").refusal("/echo", ("Sec-WebSocket-Key", key))

        assert answer.status == 400

    def test_keys(self, server: Server) -> None:
        keys = [("Sec-WebSocket-Key", KEY)] * 2

        assert Way(server.clear, "1.1").refusal("/echo", *keys).status == 400

    @pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Sec-WebSocket-Version"])
    def test_missing_field(self, server: Server, missing: str) -> None:
        fields = [field for field in handshake_fields() if not field.startswith(missing)]
        with server.clear.connect() as peer:
            answer = peer.get("/echo", *fields)

        assert answer.status == (400 if missing.endswith("Key") else 426)

    def test_method(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.request("/echo", *handshake_fields(), method="POST")

            assert peer.answer().status == 400

    def test_content(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.request("/echo", *handshake_fields(), body=b"content")

            assert peer.answer().status == 400

    def test_http_1_0(self, server: Server) -> None:
        """It knows no Upgrade: a request like any other."""
        with server.clear.connect() as peer:
            head = peer.head("/scope", *handshake_fields())
            peer.send(head.replace(b"HTTP/1.1", b"HTTP/1.0"))

            assert json.loads(peer.answer().body)["type"] == "http"

    def test_upgrade_without_connection(self, server: Server) -> None:
        """Not meant for this hop (RFC 9110 section 7.8)."""
        answer = Way(server.clear, "1.1").refusal("/scope", ("Connection", "keep-alive"))

        assert json.loads(answer.body)["type"] == "http"

    def test_other_protocol_on_http1(self, server: Server) -> None:
        answer = Way(server.clear, "1.1").refusal("/scope", ("Upgrade", "example/1"))

        assert json.loads(answer.body)["type"] == "http"


class TestOnHTTP2:
    def test_is_announced(self, endpoint: Endpoint) -> None:
        with Way(endpoint, "2").connect() as connection:
            assert isinstance(connection, HTTP2Connection)
            assert connection.peer.observer.settings[Setting.ENABLE_CONNECT_PROTOCOL] == 1

    def test_other_protocol(self, endpoint: Endpoint) -> None:
        with Way(endpoint, "2").connect() as connection:
            assert isinstance(connection, HTTP2Connection)
            stream_id = connection.peer.extended_connect("/echo", protocol="example")

            assert connection.peer.answer(stream_id).status == 501
            assert connection.get("/").body == b"Hello"

    def test_protocol_on_another_method(self, endpoint: Endpoint) -> None:
        with Way(endpoint, "2").connect() as connection:
            assert isinstance(connection, HTTP2Connection)
            peer = connection.peer
            stream_id = peer.request("/echo", (":protocol", "websocket"), end=False)

            with pytest.raises(IncompleteAnswer) as reset:
                peer.answer(stream_id)
            assert reset.value.args[0] == Code.PROTOCOL_ERROR
            assert connection.get("/").body == b"Hello"

    def test_end_of_stream_with_the_handshake(self, endpoint: Endpoint) -> None:
        """A client that could send nothing."""
        with Way(endpoint, "2").connect() as connection:
            assert isinstance(connection, HTTP2Connection)
            field = ("sec-websocket-version", "13")
            stream_id, head = connection.peer.head(
                "/echo", (":protocol", "websocket"), field, method="CONNECT", end=True
            )
            connection.peer.send(head)

            assert connection.peer.answer(stream_id).status in (200, 400)
            assert connection.get("/").body == b"Hello"
