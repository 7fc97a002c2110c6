"""What frameworks rely on: streams in both directions, and work after the answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.serving import Certificates, Endpoint, Server, serving
from tests.integration.websocket_ways import VERSIONS, Way


def _serve(name: str, worker_class: str, certificates: Certificates) -> Iterator[Server]:
    target = f"tests.integration.apps.{name}:app"
    with serving(worker_class, target=target, certificates=certificates) as running:
        yield running


@pytest.fixture(scope="module", params=["flask_streaming", "django_streaming"])
def wsgi_server(
    request: pytest.FixtureRequest, worker_class: str, certificates: Certificates
) -> Iterator[Server]:
    yield from _serve(request.param, worker_class, certificates)


@pytest.fixture(params=["http", "https"])
def wsgi(request: pytest.FixtureRequest, wsgi_server: Server) -> Endpoint:
    return wsgi_server.clear if request.param == "http" else wsgi_server.encrypted


@pytest.fixture(scope="module")
def starlette_server(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    yield from _serve("starlette_background", worker_class, certificates)


@pytest.fixture(params=["http", "https"])
def starlette(request: pytest.FixtureRequest, starlette_server: Server) -> Endpoint:
    return starlette_server.clear if request.param == "http" else starlette_server.encrypted


class TestWSGI:
    def test_answers_while_it_reads(self, wsgi: Endpoint) -> None:
        with wsgi.connect() as peer:
            peer.send(peer.head("/upper", method="POST", length=9) + b"abc")
            assert peer.start().status == 200
            assert peer.chunk() == b"ABC"
            peer.send(b"def")
            assert peer.chunk() == b"DEF"
            peer.send(b"ghi")
            assert peer.chunk() == b"GHI"
            assert peer.chunk() == b""

    def test_stream_arrives_as_it_is_sent(self, wsgi: Endpoint) -> None:
        with wsgi.connect() as peer:
            peer.request("/gate")
            assert peer.start().status == 200
            assert peer.chunk() == b"first"
            with wsgi.connect() as other:
                assert other.get("/open").body == b"open"
            assert peer.chunk() == b"second"
            assert peer.chunk() == b""

    @pytest.mark.parametrize("version", VERSIONS)
    def test_websocket_is_refused(self, wsgi: Endpoint, version: str) -> None:
        with Way(wsgi, version).connect() as connection:
            assert connection.refusal("/open").status == 404
            assert connection.get("/open").body == b"open"

    def test_client_that_leaves_is_noticed(self, wsgi: Endpoint) -> None:
        """Reading ends: a thread for each one that left would be gone for good."""
        for _ in range(50):
            with wsgi.connect() as peer:
                peer.send(peer.head("/upper", method="POST", length=9) + b"abc")
                assert peer.start().status == 200
        with wsgi.connect() as peer:
            assert peer.get("/open").body == b"open"


class TestStarlette:
    def test_background_task_delays_nobody(self, starlette: Endpoint) -> None:
        with starlette.connect() as peer:
            assert peer.get("/background").body == b"answered"
            # On the same connection, and it is what the task waits for.
            assert peer.get("/finish").body == b"done"

    def test_stream_ends_when_its_client_leaves(
        self, starlette: Endpoint, starlette_server: Server, gate: str
    ) -> None:
        with starlette.connect() as peer:
            peer.request(f"/stream?report={gate}")
            assert peer.start().status == 200
            assert peer.chunk()
        with starlette.connect() as other:
            assert other.get(f"/report?report={gate}").body == b"ended"
        # Starlette raises an exception of its own then, which is nobody's mistake.
        assert "Traceback" not in starlette_server.log
