"""Clients that are slow, silent or wrong: they are let go, and nobody else notices."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.integration.serving import Certificates, Endpoint, Server, serving
from tests.peer import TIMEOUT, Peer, narrow

OPTIONS = (
    *("--keep-alive", "0.5"),
    *("--read-header-timeout", "0.5"),
    *("--read-idle-timeout", "0.5"),
    *("--read-min-rate", "10000"),
    *("--write-idle-timeout", "0.5"),
    *("--write-min-rate", "100000"),
    *("--rate-grace", "1"),
    *("--ssl-handshake-timeout", "0.5"),
    *("--linger-timeout", "0.2"),
)


@pytest.fixture(scope="module")
def impatient(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve with timers that a test can wait for."""
    with serving(worker_class, *OPTIONS, certificates=certificates) as running:
        yield running


@pytest.fixture(params=["http", "https"])
def where(request: pytest.FixtureRequest, impatient: Server) -> Iterator[Endpoint]:
    """Give an address of it, and see afterwards that it is answered there."""
    endpoint = impatient.clear if request.param == "http" else impatient.encrypted
    yield endpoint
    with endpoint.connect() as peer:
        assert peer.get("/").body == b"Hello"


def trickle(peer: Peer, piece: bytes) -> None:
    """Send ``piece`` twenty times a second until something comes back."""
    peer.sock.settimeout(0.05)
    while True:
        try:
            peer.send(piece)
            peer.peek()
            break
        except TimeoutError:
            continue
        except OSError:
            break  # it does not take any more
    peer.sock.settimeout(TIMEOUT)


class TestReading:
    def test_silence(self, where: Endpoint) -> None:
        with where.connect() as peer:
            assert peer.ended()

    def test_silence_after_an_answer(self, where: Endpoint) -> None:
        with where.connect() as peer:
            assert peer.get("/").body == b"Hello"
            assert peer.ended()

    def test_stalled_head(self, where: Endpoint) -> None:
        with where.connect() as peer:
            peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Fi")
            answer = peer.answer()

            assert answer.status == 408
            assert answer["connection"] == "close"
            assert peer.ended()

    def test_slow_head(self, where: Endpoint) -> None:
        with where.connect() as peer:
            peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
            trickle(peer, b"X: y\r\n")

            assert peer.answer().status == 408

    def test_empty_lines_for_ever(self, where: Endpoint) -> None:
        """They are no request: the connection is idle all the while."""
        with where.connect() as peer:
            trickle(peer, b"\r\n")

            assert peer.ended()

    def test_stalled_content(self, where: Endpoint) -> None:
        with where.connect() as peer:
            peer.send(peer.head("/echo", method="POST", length=10) + b"half")

            assert peer.answer().status == 408
            assert peer.ended()

    def test_stalled_chunk(self, where: Endpoint) -> None:
        with where.connect() as peer:
            peer.request("/echo", "Transfer-Encoding: chunked", method="POST")
            peer.send(b"ff\r\nhalf")

            assert peer.answer().status == 408
            assert peer.ended()

    def test_slow_content(self, where: Endpoint) -> None:
        """Never idle, but too slow on average."""
        with where.connect() as peer:
            peer.send(peer.head("/echo", method="POST", length=1_000_000))
            trickle(peer, b"x")

            assert peer.answer().status == 408

    def test_application_is_told_of_a_stalled_upload(self, where: Endpoint, gate: str) -> None:
        with where.connect() as peer, where.connect() as other:
            target = f"/await-disconnect?report={gate}"
            peer.send(peer.head(target, method="POST", length=10) + b"half")
            other.request(f"/report?report={gate}")

            assert json.loads(other.answer().body)["last"] == {"type": "http.disconnect"}

    def test_slow_application_is_not_the_clients_fault(self, where: Endpoint, gate: str) -> None:
        """Timers of the client's stand still while the application is waited for."""
        with where.connect() as peer:
            peer.request(f"/late-reader?gate={gate}", method="POST", body=b"x" * 400_000)
            with where.connect() as silent:
                assert silent.ended()
            with where.connect() as other:
                assert other.get(f"/open?gate={gate}").body == b"open"

            assert len(peer.answer().body) == 400_000


class TestWriting:
    def test_unread_answer(self, impatient: Server, gate: str) -> None:
        where = impatient.clear
        with narrow(where.host, where.port) as peer, where.connect() as other:
            peer.request(f"/endless?report={gate}")
            other.request(f"/report?report={gate}")

            assert json.loads(other.answer().body) == {"raised": "ClientDisconnected"}
            assert peer.end() == "reset"

    def test_unread_answer_by_tls(self, impatient: Server, gate: str) -> None:
        where = impatient.encrypted
        with where.connect() as peer, where.connect() as other:
            peer.request(f"/endless?report={gate}")
            other.request(f"/report?report={gate}")

            assert json.loads(other.answer().body) == {"raised": "ClientDisconnected"}

    def test_slowly_read_answer(self, impatient: Server, gate: str) -> None:
        """Never idle, but too slow on average."""
        where = impatient.clear
        with narrow(where.host, where.port) as peer, where.connect() as other:
            peer.request(f"/endless?report={gate}")
            other.request(f"/report?report={gate}")
            other.sock.settimeout(0.05)
            while True:
                try:
                    other.peek()
                    break
                except TimeoutError:
                    peer.sock.recv(512)
            other.sock.settimeout(TIMEOUT)

            assert json.loads(other.answer().body) == {"raised": "ClientDisconnected"}


class TestTLS:
    @pytest.fixture
    def plain(self, impatient: Server) -> Iterator[Peer]:
        """Connect without TLS to where it is spoken, and see that others are served."""
        where = impatient.encrypted
        sock = socket.create_connection((where.host, where.port), TIMEOUT)
        with Peer(sock, where.netloc) as peer:
            yield peer
        with where.connect() as other:
            assert other.get("/").body == b"Hello"

    def test_no_handshake(self, plain: Peer) -> None:
        assert plain.ended()

    def test_unfinished_handshake(self, plain: Peer) -> None:
        plain.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

        assert plain.ended()

    def test_garbage(self, plain: Peer) -> None:
        plain.send(bytes(range(256)) * 8)

        assert b"HTTP" not in plain.rest()

    def test_plain_http(self, plain: Peer) -> None:
        plain.request("/")

        assert b"HTTP" not in plain.rest()

    def test_close_within_the_handshake(self, plain: Peer) -> None:
        plain.send(b"\x16\x03\x01\x02\x00")
        plain.half_close()

        assert plain.ended()

    def test_untrusting_client(self, impatient: Server) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            impatient.encrypted.connect(ssl.create_default_context())
        with impatient.encrypted.connect() as other:
            assert other.get("/").body == b"Hello"

    def test_tls_to_plain_http(self, impatient: Server, certificates: Certificates) -> None:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            impatient.clear.connect(certificates.client_context)
        with impatient.clear.connect() as other:
            assert other.get("/").body == b"Hello"

    def test_end_without_close_notify_within_an_upload(self, impatient: Server, gate: str) -> None:
        """No complete request, but a disconnect."""
        peer = impatient.encrypted.connect()
        target = f"/await-disconnect?report={gate}"
        peer.request(target, "Transfer-Encoding: chunked", method="POST")
        peer.send(b"4\r\nhalf\r\n")
        peer.close()  # of the socket: Python's ssl module says goodbye only when asked to
        with impatient.encrypted.connect() as other:
            seen = json.loads(other.get(f"/report?report={gate}").body)

        assert seen["last"] == {"type": "http.disconnect"}


def test_log_is_silent(impatient: Server) -> None:
    """What clients do wrong is no error of the server's."""
    assert "Traceback" not in impatient.log
    assert "ERROR" not in impatient.log
