"""What the protocols share: errors, settings, the fields of every response, and the exports."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

import hypercorn_protocols
from hypercorn_protocols.connection import ServerConnection
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from hypercorn_protocols.events import BodyReceived
from hypercorn_protocols.http1 import HTTP1Connection
from hypercorn_protocols.settings import HTTP1Settings
from tests.protocols.wire import GET, Client, Wire


def test_exports() -> None:
    for name in hypercorn_protocols.__all__:
        assert hasattr(hypercorn_protocols, name)
    assert hypercorn_protocols.__version__


def test_connection_is_what_the_interface_says() -> None:
    connection: ServerConnection = HTTP1Connection(HTTP1Settings(), DefaultHeaders(), 0.0)

    assert connection.is_idle


def test_errors_tell_whose_fault_it_was() -> None:
    assert issubclass(LocalProtocolError, ProtocolError)
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    error = RemoteProtocolError("too much", 413)
    assert (str(error), error.status_hint) == ("too much", 413)
    assert RemoteProtocolError("wrong").status_hint == 400


def test_events_are_compared_by_value() -> None:
    assert BodyReceived(1, b"x") == BodyReceived(1, b"x")
    assert BodyReceived(1, b"x") != BodyReceived(2, b"x")


class TestSettings:
    def test_defaults(self) -> None:
        settings = HTTP1Settings()

        assert settings.engine == "auto"
        assert settings.max_head_size == 16_384
        assert settings.keep_alive_timeout == 5.0
        assert settings.max_requests == 1000
        assert settings.max_body_size is None

    def test_cannot_be_changed(self) -> None:
        with pytest.raises(FrozenInstanceError):
            HTTP1Settings().max_headers = 5  # type: ignore[misc]

    def test_have_names(self) -> None:
        with pytest.raises(TypeError):
            HTTP1Settings("h11")  # type: ignore[call-arg]


class TestDefaultHeaders:
    def test_are_ready_for_http1(self) -> None:
        defaults = DefaultHeaders([(b"date", b"today"), (b"server", b"s")])

        assert defaults.http1_block == b"date: today\r\nserver: s\r\n"
        assert defaults.http1_block_without([b"date", b"x"]) == b"server: s\r\n"
        assert DefaultHeaders().http1_block == b""

    def test_are_renewed_in_place(self) -> None:
        wire = Wire()
        defaults = DefaultHeaders([(b"date", b"today")])
        connection = HTTP1Connection(HTTP1Settings(), defaults, 0.0)
        connection.receive_data(GET, 0.0)

        defaults.set([(b"date", b"tomorrow")])
        connection.send_response(1, 200, [], b"", True)

        assert Client(connection.data_to_send(0.0)).read().values(b"date") == [b"tomorrow"]
        assert wire.connection is not connection
