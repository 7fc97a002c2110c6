"""wsproto as a WebSocket client: the same frames over HTTP/1.1 and, by h2, over HTTP/2.

Knows: how a conversation goes by wsproto's events, and how h2 is had to carry it.
Must not know: what it is about.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import wsproto
import wsproto.connection
import wsproto.events
import wsproto.extensions

from tests.integration.http2_peer import offering
from tests.integration.serving import Endpoint
from tests.integration.websocket_conversations import CODE, REASON, Conversation, Message, Topic
from tests.peer import TIMEOUT, IncompleteAnswer


class _WsprotoTalk:
    """A conversation of wsproto's, on a stream that somebody else looks after."""

    def __init__(
        self,
        connection: wsproto.WSConnection | wsproto.connection.Connection,
        send: Callable[[bytes], None],
        receive: Callable[[], bytes],
    ) -> None:
        self._connection = connection
        self._send_bytes = send
        self._receive_bytes = receive
        self._events: Iterator[wsproto.events.Event] = iter(())
        self._pieces: list[Any] = []

    def send(self, event: wsproto.events.Event) -> None:
        self._send_bytes(self._connection.send(event))

    def next_event(self) -> wsproto.events.Event:
        while (event := next(self._events, None)) is None:
            data = self._receive_bytes()
            if not data:
                raise IncompleteAnswer("the stream has ended")
            self._connection.receive_data(data)
            self._events = self._connection.events()
        return event

    def message(self) -> Message:
        event = self.next_event()
        assert isinstance(event, wsproto.events.Message), event
        pieces = [event.data]
        while not event.message_finished:
            event = self.next_event()
            assert isinstance(event, wsproto.events.Message), event
            pieces.append(event.data)
        content: Message = pieces[0][:0].join(pieces)
        return content

    def go_through(self, topic: Topic) -> tuple[list[Message], int, str]:
        answers = []
        for message in topic.messages:
            if isinstance(message, str):
                self.send(wsproto.events.TextMessage(data=message))
            else:
                self.send(wsproto.events.BytesMessage(data=bytearray(message)))
            answers.append(self.message())
        if topic.leaves:
            self.send(wsproto.events.CloseConnection(CODE, REASON))
        closure = self.next_event()
        assert isinstance(closure, wsproto.events.CloseConnection), closure
        if not topic.leaves:
            self.send(closure.response())
        assert self._receive_bytes() == b""
        return answers, closure.code, closure.reason or ""


def by_wsproto(endpoint: Endpoint, topic: Topic) -> Conversation:
    """Talk by wsproto over HTTP/1.1."""
    connection = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    with endpoint.open() as sock:
        talk = _WsprotoTalk(connection, sock.sendall, lambda: sock.recv(65_536))
        talk.send(
            wsproto.events.Request(
                host=endpoint.netloc,
                target=topic.target,
                subprotocols=list(topic.subprotocols),
                extensions=[wsproto.extensions.PerMessageDeflate()],
                extra_headers=[(k.encode(), v.encode()) for k, v in topic.headers.items()],
            )
        )
        accepted = talk.next_event()
        assert isinstance(accepted, wsproto.events.AcceptConnection), accepted
        went = talk.go_through(topic)
    extensions = ", ".join(extension.name for extension in accepted.extensions)
    return Conversation(*went, accepted.subprotocol, extensions)


def by_wsproto_over_http2(endpoint: Endpoint, topic: Topic) -> Conversation:
    """Talk by the frames of wsproto over the HTTP/2 of h2."""
    deflate = wsproto.extensions.PerMessageDeflate()
    headers = {"sec-websocket-extensions": f"{deflate.name}; {deflate.offer()}", **topic.headers}
    if topic.subprotocols:
        headers["sec-websocket-protocol"] = ", ".join(topic.subprotocols)
    with _open_by_h2(endpoint) as stream:
        answer = stream.connect(topic.target, headers)
        assert answer[":status"] == "200", answer
        extensions = answer.get("sec-websocket-extensions", "")
        if extensions:
            deflate.finalize(extensions)
        connection = wsproto.connection.Connection(
            wsproto.ConnectionType.CLIENT, [deflate] if extensions else []
        )
        went = _WsprotoTalk(connection, stream.send, stream.receive).go_through(topic)
    return Conversation(*went, answer.get("sec-websocket-protocol"), extensions)


class _H2Stream:
    """One stream of h2's."""

    def __init__(self, sock: socket.socket, endpoint: Endpoint) -> None:
        self._sock = sock
        self._endpoint = endpoint
        configuration = h2.config.H2Configuration(header_encoding="utf-8")
        self._connection = h2.connection.H2Connection(configuration)
        self._stream_id = 1
        self._answer: dict[str, str] | None = None
        self._unread = b""
        self._ended = False

    def connect(self, target: str, headers: dict[str, str]) -> dict[str, str]:
        """Send an extended CONNECT, once the server has said that it may; return the answer."""
        setting = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL
        self._connection.initiate_connection()
        while self._connection.remote_settings.get(setting) != 1:
            self._turn()
        head = {
            ":method": "CONNECT",
            ":protocol": "websocket",
            ":scheme": self._endpoint.scheme,
            ":authority": self._endpoint.netloc,
            ":path": target,
            "sec-websocket-version": "13",
        }
        lower = {name.lower(): value for name, value in headers.items()}
        self._connection.send_headers(self._stream_id, list({**head, **lower}.items()))
        while self._answer is None:
            self._turn()
        return self._answer

    def send(self, data: bytes) -> None:
        while data:
            room = self._connection.local_flow_control_window(self._stream_id)
            size = min(room, self._connection.max_outbound_frame_size)
            if size:
                self._connection.send_data(self._stream_id, data[:size])
                self._flush()
                data = data[size:]
            else:
                self._turn()

    def receive(self) -> bytes:
        while not self._unread and not self._ended:
            self._turn()
        data, self._unread = self._unread, b""
        return data

    def _turn(self) -> None:
        """Send what there is to say, and read once."""
        self._flush()
        data = self._sock.recv(65_536)
        if not data:
            raise IncompleteAnswer("the connection has ended")
        for event in self._connection.receive_data(data):
            self._handle(event)
        self._flush()

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self._answer = {str(name): str(value) for name, value in event.headers}
        elif isinstance(event, h2.events.DataReceived):
            self._unread += event.data
            if event.stream_ended is None:
                self._connection.acknowledge_received_data(
                    event.flow_controlled_length, self._stream_id
                )
        elif isinstance(event, h2.events.StreamEnded):
            self._ended = True
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise IncompleteAnswer(event)

    def _flush(self) -> None:
        self._sock.sendall(self._connection.data_to_send())


@contextmanager
def _open_by_h2(endpoint: Endpoint) -> Iterator[_H2Stream]:
    context: ssl.SSLContext | None = None
    if endpoint.context is not None:
        context = offering(endpoint, "h2")
    with endpoint.open(context) as sock:
        sock.settimeout(TIMEOUT)
        yield _H2Stream(sock, endpoint)
