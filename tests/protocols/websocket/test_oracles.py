"""Whole conversations with clients that others have written: wsproto's and websockets'."""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate as WebsocketsDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri
from wsproto import events as wsproto_events
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket import (
    MessageMemory,
    WebSocket,
    WebSocketClosed,
    WebSocketEvent,
)
from hypercorn_protocols.websocket.deflate import Deflate
from tests.protocols.strategies import DETERMINISTIC, splits
from tests.protocols.websocket.player import ENGINES
from tests.protocols.websocket.wire import messages

Parameters = tuple[int, int, bool, bool]
"""Of permessage-deflate: the server's and the client's window, and whether each of them resets."""

Received = str | bytes | tuple[str, object]
"""A message, a Pong or a Close."""


class Client(Protocol):
    """One of the libraries."""

    def send(self, parts: list[str | bytes]) -> bytes:
        """Send a message in fragments."""

    def ping(self, payload: bytes) -> bytes:
        """Send a Ping."""

    def close(self, code: int, reason: str) -> bytes:
        """Send Close."""

    def receive(self, data: bytes) -> tuple[list[Received], bytes]:
        """What comes of the server's bytes, and what the library answers by itself."""


class WsprotoClient:
    """A :class:`Client`."""

    def __init__(self, parameters: Parameters | None) -> None:
        extensions = []
        if parameters is not None:
            server_bits, client_bits, server_resets, client_resets = parameters
            deflate = WsprotoDeflate(client_resets, client_bits, server_resets, server_bits)
            deflate.finalize("permessage-deflate")
            extensions.append(deflate)
        self._connection = Connection(ConnectionType.CLIENT, list(extensions))
        self._parts: list[str | bytes] = []

    def send(self, parts: list[str | bytes]) -> bytes:
        """See :class:`Client`."""
        sent = []
        for at, part in enumerate(parts):
            fin = at == len(parts) - 1
            sent.append(self._connection.send(_message(part, fin)))
        return b"".join(sent)

    def ping(self, payload: bytes) -> bytes:
        """See :class:`Client`."""
        return self._connection.send(wsproto_events.Ping(payload))

    def close(self, code: int, reason: str) -> bytes:
        """See :class:`Client`."""
        return self._connection.send(wsproto_events.CloseConnection(code, reason))

    def receive(self, data: bytes) -> tuple[list[Received], bytes]:
        """See :class:`Client`."""
        received: list[Received] = []
        answers = b""
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, wsproto_events.Message):
                self._parts.append(event.data)
                if event.message_finished:
                    received.append(type(event.data)().join(self._parts))
                    self._parts = []
            elif isinstance(event, wsproto_events.Pong):
                received.append(("pong", bytes(event.payload)))
            else:
                assert isinstance(event, wsproto_events.CloseConnection)
                received.append(("close", (event.code, event.reason or "")))
                if self._connection.state.name == "REMOTE_CLOSING":
                    answers += self._connection.send(event.response())
        return received, answers


def _message(part: str | bytes, fin: bool) -> wsproto_events.Event:
    if isinstance(part, str):
        return wsproto_events.TextMessage(part, message_finished=fin)
    return wsproto_events.BytesMessage(part, message_finished=fin)


class WebsocketsClient:
    """A :class:`Client`."""

    def __init__(self, parameters: Parameters | None) -> None:
        self._protocol = ClientProtocol(parse_uri("ws://a/"), state=State.OPEN, max_size=None)
        if parameters is not None:
            server_bits, client_bits, server_resets, client_resets = parameters
            self._protocol.extensions = [
                WebsocketsDeflate(server_resets, client_resets, server_bits, client_bits)
            ]
        self._parts: list[Frame] = []

    def send(self, parts: list[str | bytes]) -> bytes:
        """See :class:`Client`."""
        protocol = self._protocol
        for at, part in enumerate(parts):
            fin = at == len(parts) - 1
            data = part.encode() if isinstance(part, str) else part
            if at:
                protocol.send_continuation(data, fin)
            elif isinstance(part, str):
                protocol.send_text(data, fin)
            else:
                protocol.send_binary(data, fin)
        return b"".join(protocol.data_to_send())

    def ping(self, payload: bytes) -> bytes:
        """See :class:`Client`."""
        self._protocol.send_ping(payload)
        return b"".join(self._protocol.data_to_send())

    def close(self, code: int, reason: str) -> bytes:
        """See :class:`Client`."""
        self._protocol.send_close(code, reason)
        return b"".join(self._protocol.data_to_send())

    def receive(self, data: bytes) -> tuple[list[Received], bytes]:
        """See :class:`Client`."""
        self._protocol.receive_data(data)
        received: list[Received] = []
        for frame in self._protocol.events_received():
            assert isinstance(frame, Frame)
            content = bytes(frame.data)
            if frame.opcode is Opcode.TEXT:
                received.append(content.decode())
            elif frame.opcode is Opcode.BINARY:
                received.append(content)
            elif frame.opcode is Opcode.PONG:
                received.append(("pong", content))
            else:
                assert frame.opcode is Opcode.CLOSE
                close = self._protocol.close_rcvd
                assert close is not None
                received.append(("close", (int(close.code), close.reason)))
        return received, b"".join(self._protocol.data_to_send())


CLIENTS: list[type[WsprotoClient] | type[WebsocketsClient]] = [WsprotoClient, WebsocketsClient]

parameters = st.none() | st.tuples(
    st.integers(9, 15), st.integers(9, 15), st.booleans(), st.booleans()
)
contents = (
    st.text(max_size=30)
    | st.binary(max_size=30)
    | st.sampled_from(["x" * 126, "é" * 400, bytes(70_000), bytes(range(256)) * 20])
)
steps: st.SearchStrategy[tuple[str, str | bytes]] = st.one_of(
    st.tuples(st.just("client"), contents),
    st.tuples(st.just("server"), contents),
    st.tuples(st.just("ping"), st.binary(max_size=125)),
)


class Conversation:
    """A client and a server, and what each of them was told."""

    def __init__(self, client: Client, websocket: WebSocket, data: st.DataObject) -> None:
        self.client = client
        self.websocket = websocket
        self.told_client: list[Received] = []
        self.told_server: list[WebSocketEvent] = []
        self._data = data

    def to_server(self, sent: bytes) -> None:
        """Carry it in pieces, and back what is answered."""
        websocket = self.websocket
        for piece in self._data.draw(splits(sent)):
            self.told_server += websocket.receive_data(piece, 0.0)
            while websocket.has_more:
                self.told_server += websocket.proceed(0.0)
        self.to_client()

    def to_client(self) -> None:
        """Carry what the server has to say."""
        for piece in self._data.draw(splits(self.websocket.data_to_send())):
            received, answers = self.client.receive(piece)
            self.told_client += received
            if answers:
                self.to_server(answers)


def converse(conversation: Conversation, data: st.DataObject) -> None:
    """Some steps; asserts that both are told what the other one says."""
    to_server: list[str | bytes] = []
    to_client: list[Received] = []
    for kind, content in data.draw(st.lists(steps, max_size=10)):
        if kind == "client":
            parts = data.draw(parts_of(content))
            conversation.to_server(conversation.client.send(parts))
            to_server.append(content)
        elif kind == "server":
            conversation.websocket.send_message(content)
            conversation.to_client()
            to_client.append(content)
        else:
            assert isinstance(content, bytes)
            conversation.to_server(conversation.client.ping(content))
            to_client.append(("pong", content))
    assert conversation.told_server == messages(*to_server)
    assert conversation.told_client == to_client


@st.composite
def parts_of(draw: st.DrawFn, content: str | bytes) -> list[str | bytes]:
    """Some way to cut a message; between characters, as not every library does it elsewhere."""
    cuts = sorted(draw(st.lists(st.integers(0, len(content)), max_size=3)))
    ends = list(pairwise([0, *cuts, len(content)]))
    return [content[start:end] for start, end in ends]


@pytest.mark.parametrize("library", CLIENTS)
@settings(DETERMINISTIC, max_examples=80)
@given(parameters=parameters, data=st.data(), by_client=st.booleans())
def test_any_conversation(
    library: type[WsprotoClient] | type[WebsocketsClient],
    parameters: Parameters | None,
    data: st.DataObject,
    by_client: bool,
) -> None:
    limits = WebSocketSettings(
        engine=data.draw(st.sampled_from(ENGINES)),
        deflate_min_size=data.draw(st.sampled_from([0, 10, 64])),
    )
    websocket = WebSocket(limits, deflate_of(parameters, limits), MessageMemory(), 0.0)
    conversation = Conversation(library(parameters), websocket, data)

    converse(conversation, data)

    conversation.told_client.clear()
    conversation.told_server.clear()
    if by_client:
        conversation.to_server(conversation.client.close(4000, "bye"))
        assert conversation.told_server == [WebSocketClosed(4000, "bye")]
        websocket.finish(0.0)
        conversation.to_client()
        assert conversation.told_client == [("close", (4000, ""))]
    else:
        websocket.close(4001, "enough", 0.0)
        conversation.to_client()
        assert conversation.told_client == [("close", (4001, "enough"))]
        assert conversation.told_server == []
    assert websocket.ended


def deflate_of(parameters: Parameters | None, limits: WebSocketSettings) -> Deflate | None:
    """The server's codec."""
    if parameters is None:
        return None
    server_bits, client_bits, server_resets, client_resets = parameters
    return Deflate(
        limits,
        compressor_bits=server_bits,
        inflater_bits=client_bits,
        compressor_resets=server_resets,
        inflater_resets=client_resets,
    )
