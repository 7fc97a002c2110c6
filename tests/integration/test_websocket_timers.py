"""Clients that say nothing any more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.gates import report
from tests.integration.serving import Certificates, Endpoint, Server, serving
from tests.integration.websocket_ways import VERSIONS, Opened, Way
from tests.websocket_peer import Opcode, ping, pong, text

PATIENT = ("--websocket-ping-interval", "0.1", "--websocket-ping-timeout", "60")
IMPATIENT = (
    *("--websocket-ping-interval", "0.1", "--websocket-ping-timeout", "0.2"),
    *("--websocket-close-timeout", "0.3"),
    *("--read-idle-timeout", "0.1", "--write-idle-timeout", "0.5"),
)


@pytest.fixture(scope="module")
def patient(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve with pings that may be answered late."""
    with serving(worker_class, *PATIENT, certificates=certificates) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve with the shortest patience."""
    with serving(worker_class, *IMPATIENT, certificates=certificates) as running:
        yield running


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["http", "https"])
def hurried(request: pytest.FixtureRequest, impatient: Server, version: str) -> Way:
    """Give each way to the impatient server."""
    return Way(impatient.clear if request.param == "http" else impatient.encrypted, version)


class TestPings:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_answered(self, patient: Server, version: str, scheme: str) -> None:
        endpoint: Endpoint = patient.clear if scheme == "http" else patient.encrypted
        with Way(endpoint, version).open("/echo") as websocket:
            for _ in range(3):
                self._answer_ping(websocket)
            websocket.send(text("Hello"))
            while (frame := websocket.frame()).opcode == Opcode.PING:
                websocket.send(pong(frame.payload))

            assert frame.payload == b"Hello"

    def _answer_ping(self, websocket: Opened) -> None:
        frame = websocket.frame()
        assert frame.opcode == Opcode.PING
        websocket.send(pong(frame.payload))

    def test_not_answered(self, hurried: Way, gate: str) -> None:
        with hurried.open(f"/record?report={gate}") as websocket:
            assert websocket.frame().opcode == Opcode.PING
            assert websocket.closure()[0] == 1011

            websocket.await_end()
        last = report(hurried.endpoint, gate)["messages"][-1]
        assert (last["type"], last["code"]) == ("websocket.disconnect", 1006)


class TestClientsThatDoNotClose:
    @pytest.fixture
    def websocket(self, hurried: Way) -> Iterator[Opened]:
        with hurried.open("/close") as websocket:
            assert websocket.closure() == (1000, "")
            yield websocket

    def test_silent(self, websocket: Opened) -> None:
        websocket.await_end()

    def test_talkative(self, websocket: Opened) -> None:
        """Whatever it sends, its time is up."""
        websocket.send(text("and another thing"), ping())

        websocket.await_end()
