"""One connection, many requests: order, persistence, and what may not pass between them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.serving import Endpoint, Server, serving


class TestPipelining:
    def test_answers_come_in_order(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.send(b"".join(peer.head(f"/scope?{number}") for number in range(100)))
            queries = [json.loads(peer.answer().body)["query_string"] for _ in range(100)]

        assert queries == [str(number) for number in range(100)]

    def test_a_slow_one_holds_the_others_up(self, endpoint: Endpoint, gate: str) -> None:
        with endpoint.connect() as peer, endpoint.connect() as other:
            slow = peer.head(f"/wait?gate={gate}")
            peer.send(slow + peer.head("/echo", method="POST", length=4) + b"body")
            peer.send(peer.head("/", "Connection: close"))
            assert other.get(f"/pass?gate={gate}-begun").body == b"passed"
            assert other.get(f"/open?gate={gate}").body == b"open"

            assert [peer.answer().body for _ in range(3)] == [gate.encode(), b"body", b"Hello"]
            assert peer.ended()

    def test_after_an_upload(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            upload = peer.head("/digest", method="POST", length=200_000) + b"x" * 200_000
            peer.send((upload + peer.head("/")) * 3)

            for _ in range(3):
                assert json.loads(peer.answer().body)["size"] == 200_000
                assert peer.answer().body == b"Hello"

    def test_an_error_ends_it(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.send(peer.head("/") + b"no request\r\n\r\n" + peer.head("/"))

            assert peer.answer().body == b"Hello"
            refusal = peer.answer()
            assert refusal.status == 400
            assert refusal["connection"] == "close"
            assert peer.ended()


class TestPersistence:
    def test_connection_close(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            answer = peer.get("/", "Connection: close")

            assert answer.body == b"Hello"
            assert answer["connection"] == "close"
            assert peer.ended()

    def test_application_closes(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            answer = peer.get("/header?name=Connection&value=close")

            assert answer["connection"] == "close"
            assert peer.ended()

    def test_http_1_0(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.send(b"GET / HTTP/1.0\r\n\r\n")
            answer = peer.answer()

            assert answer.body == b"Hello"
            assert answer["connection"] == "close"
            assert peer.ended()

    def test_http_1_0_keep_alive(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            for _ in range(2):
                peer.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                answer = peer.answer()

                assert answer.body == b"Hello"
                assert answer["connection"] == "keep-alive"

    def test_http_1_0_stream_ends_with_the_connection(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.send(b"GET /stream?blocks=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = peer.answer()

            assert answer["transfer-encoding"] is None
            assert answer["connection"] == "close"
            assert len(answer.body) == 2 * 65_536

    def test_empty_lines_between_requests(self, endpoint: Endpoint) -> None:
        """RFC 9112 section 2.2."""
        with endpoint.connect() as peer:
            peer.send(b"\r\n" + peer.head("/") + b"\r\n\r\n" + peer.head("/"))

            assert [peer.answer().body, peer.answer().body] == [b"Hello", b"Hello"]


@pytest.fixture(scope="module")
def limited(worker_class: str) -> Iterator[Server]:
    options = ("--keep-alive-max-requests", "3", "--h11-max-incomplete-size", "2000")
    more = ("--max-headers", "20", "--max-request-body-size", "1000")
    with serving(worker_class, *options, *more) as running:
        yield running


class TestLimits:
    def test_last_request(self, limited: Server) -> None:
        with limited.clear.connect() as peer:
            peer.send(peer.head("/") * 5)

            assert [peer.answer()["connection"] for _ in range(3)] == [None, None, "close"]
            assert peer.ended()

    @pytest.mark.parametrize(
        ("target", "fields", "status"),
        [
            ("/" + "a" * 2000, [], 414),
            ("/", ["X: " + "a" * 2000], 431),
            ("/", ["X: a"] * 20, 431),
            ("/", ["Content-Length: 1001"], 413),
        ],
        ids=["target", "head", "fields", "content"],
    )
    def test_too_much(self, limited: Server, target: str, fields: list[str], status: int) -> None:
        with limited.clear.connect() as peer:
            answer = peer.get(target, *fields)

            assert answer.status == status
            assert answer["connection"] == "close"
            assert peer.ended()

    def test_too_much_in_chunks(self, limited: Server) -> None:
        with limited.clear.connect() as peer:
            peer.request("/echo", "Transfer-Encoding: chunked", method="POST")
            peer.send(b"200\r\n" + b"x" * 512 + b"\r\n" + b"200\r\n" + b"x" * 512 + b"\r\n")

            assert peer.answer().status == 413
            assert peer.ended()


class TestIsolation:
    def test_context_of_each_request(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            before = [peer.get(f"/context?{number}").body for number in range(3)]

        assert before == [b"nothing"] * 3

    def test_context_of_pipelined_requests(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.send(b"".join(peer.head(f"/context?{number}") for number in range(40)))
            before = [peer.answer().body for _ in range(40)]

        assert before == [b"nothing"] * 40

    def test_context_after_a_request_that_waited(self, endpoint: Endpoint, gate: str) -> None:
        """The answer is sent, and the next request taken up, from another request's turn."""
        with endpoint.connect() as peer, endpoint.connect() as other:
            peer.send(peer.head(f"/wait?gate={gate}") + peer.head("/context?a"))
            assert other.get(f"/pass?gate={gate}-begun").body == b"passed"
            assert other.get("/context?b").body == b"nothing"
            assert other.get(f"/open?gate={gate}").body == b"open"

            assert peer.answer().body == gate.encode()
            assert peer.answer().body == b"nothing"

    def test_work_after_the_answer_delays_nobody(self, endpoint: Endpoint, gate: str) -> None:
        with endpoint.connect() as peer:
            assert peer.get(f"/work-afterwards?gate={gate}").body == b"answered"
            # On the same connection, and it opens the gate that the work waits for.
            assert peer.get(f"/open?gate={gate}").body == b"open"
            assert peer.get(f"/pass?gate={gate}-passed").body == b"passed"

    def test_work_goes_on_when_the_client_has_left(self, endpoint: Endpoint, gate: str) -> None:
        with endpoint.connect() as peer:
            assert peer.get(f"/work-afterwards?gate={gate}").body == b"answered"
        with endpoint.connect() as other:
            assert other.get(f"/open?gate={gate}").body == b"open"
            assert other.get(f"/pass?gate={gate}-passed").body == b"passed"

    def test_task(self, endpoint: Endpoint, worker_class: str) -> None:
        """What belongs to the current task works, also for several requests in one turn."""
        with endpoint.connect() as peer:
            peer.send(peer.head("/task") * 3)
            found = [json.loads(peer.answer().body) for _ in range(3)]

        expected = {"library": "trio", "anyio": ["timeout", "task group", "thread"]}
        if worker_class != "trio":
            expected |= {"library": "asyncio", "asyncio": ["task", "timeout"]}
        assert found == [expected] * 3
