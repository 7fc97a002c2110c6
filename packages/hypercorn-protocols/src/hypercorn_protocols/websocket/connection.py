"""The server's side of one WebSocket (RFC 6455), on a stream of bytes.

Knows: the order of things: messages, pings, and the closing handshake; and their timers.
Must not know: HTTP, sockets, clocks, tasks or applications. Frames are found in :mod:`decoder`
and put together in :mod:`message`, what is sent is made in :mod:`memory` and :mod:`frames`.

Rules:

* The end comes in its place. What the peer sent before it closed, or before it broke the rules, is
  handed out first, and may be answered: the Close frame that is owed waits for :meth:`finish`, and
  for a moment at the most.
* Whenever the peer is there to read it, a Close frame is the last that it gets.
* Once ours is sent, what comes is passed over up to the peer's: ending the stream with something
  unread might destroy what is on its way.
"""

from __future__ import annotations

from enum import Enum
from math import inf

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket.decoder import FramePiece, select_decoder
from hypercorn_protocols.websocket.deflate import Deflate
from hypercorn_protocols.websocket.events import (
    MessageReceived,
    WebSocketClosed,
    WebSocketEvent,
)
from hypercorn_protocols.websocket.frames import (
    ABNORMAL_CLOSURE,
    CLOSE,
    INTERNAL_ERROR,
    PING,
    PONG,
    FrameError,
    close_payload,
    encode_frame,
    is_sendable,
    read_close,
)
from hypercorn_protocols.websocket.memory import MessageMemory
from hypercorn_protocols.websocket.message import MessageAssembler
from hypercorn_protocols.websocket.skipper import FrameSkipper

__all__ = ["WebSocket"]

# How long a Close frame that is owed waits for the application to be told, in seconds.
_ANSWER_GRACE = 1.0

# Section 5.5.3: only the latest of pings that wait for an answer has to get one.
_MAX_PONGS = 16

# What a message counts for beyond its content, in bytes: empty ones are work as well.
_MESSAGE_OVERHEAD = 64


class _State(Enum):
    OPEN = "messages go in both directions"
    ENDING = "no more come in; Close is owed to the peer, and what is sent goes out before it"
    CLOSING = "Close has been sent, and the peer's is waited for"
    ENDED = "nothing goes in any direction"


# Members of an enumeration are slow to look up by name.
_OPEN = _State.OPEN
_ENDING = _State.ENDING
_CLOSING = _State.CLOSING
_ENDED = _State.ENDED


class WebSocket:
    """A WebSocket whose opening handshake is complete.

    Args:
        settings: limits, timers and the engine.
        deflate: the codec that the handshake agreed on; None for no compression.
        memory: makes frames; WebSockets that share one make them once.
        now: in seconds, as everywhere.

    Raises:
        ImportError: the engine that the settings name is not installed.
    """

    __slots__ = (
        "_assembler",
        "_close_owed",
        "_decoder",
        "_deflate",
        "_last_received",
        "_memory",
        "_out",
        "_peer_closed",
        "_peer_is_done",
        "_pinged_at",
        "_pongs",
        "_settings",
        "_skipper",
        "_state",
        "deadline",
        "ended",
        "has_more",
        "has_news",
        "held",
    )

    def __init__(
        self,
        settings: WebSocketSettings,
        deflate: Deflate | None,
        memory: MessageMemory,
        now: float,
    ) -> None:
        self._settings = settings
        self._deflate = deflate
        self._memory = memory
        self._assembler = MessageAssembler(settings.max_message_size, deflate)
        self._decoder = select_decoder(settings.engine)(self._assembler.limits)
        self._skipper: FrameSkipper | None = None
        self._state = _OPEN
        self._out: list[bytes] = []
        self._pongs: list[bytes] | None = None
        self._close_owed = b""  # what the Close frame that is to be sent carries
        self._peer_closed = False  # nothing more comes that would be of interest
        self._peer_is_done = False  # nothing more comes at all
        self._last_received = now
        self._pinged_at = -inf
        self.has_more = False
        """Enough has been handed out at once: there is more, for :meth:`proceed`."""
        self.has_news = False
        """Something other than messages of the caller's waits in :meth:`data_to_send`, or
        :attr:`deadline` came nearer, or it has :attr:`ended`."""
        self.ended = False
        """Nothing more is sent or received: write what there is, and end the stream."""
        self.held = False
        """For the owner to set while the peer is not read: its silence means nothing then."""
        interval = settings.ping_interval
        self.deadline = inf if interval is None else now + interval
        """When :meth:`handle_deadline` is to be called, or earlier."""

    # Receiving.

    def receive_data(self, data: bytes, now: float) -> list[WebSocketEvent]:
        """Take what has come; ``b""`` is the end of the peer's side. Raises nothing."""
        self._last_received = now
        if not data:
            return self._receive_eof()
        state = self._state
        if state is _OPEN:
            self._decoder.receive_data(data)
            if self.has_more:
                return []
            return self._read(now)
        if state is not _ENDED:
            self._pass_over(data)
        return []

    def proceed(self, now: float) -> list[WebSocketEvent]:
        """Hand out more of what has come, if :attr:`has_more`. Raises nothing."""
        return self._read(now) if self._state is _OPEN else []

    def _read(self, now: float) -> list[WebSocketEvent]:
        """Make events of what has come."""
        events: list[WebSocketEvent] = []
        decoder, assembler = self._decoder, self._assembler
        left = self._settings.max_message_buffer
        self.has_more = False
        try:
            while (piece := decoder.next_piece()) is not None:
                if piece.opcode >= CLOSE:
                    self._receive_control(piece, events, now)
                    if self._state is not _OPEN:
                        break
                    continue
                message = assembler.add(piece)
                if message is not None:
                    events.append(MessageReceived(message))
                    left -= len(message) + _MESSAGE_OVERHEAD
                    if left < 0:
                        self.has_more = True
                        break
        except FrameError as error:
            self._fail(error, events, now)
        if self._peer_is_done and not self.has_more:
            events += self._receive_eof()
        return events

    def _receive_control(
        self, piece: FramePiece, events: list[WebSocketEvent], now: float
    ) -> None:
        if piece.opcode == PING:
            if self._pongs is None:
                self._pongs = []
            elif len(self._pongs) == _MAX_PONGS:
                del self._pongs[0]
            self._pongs.append(piece.data)
            self.has_news = True
        elif piece.opcode == CLOSE:
            self._peer_closed = True  # whatever it says
            code, reason = read_close(piece.data)
            # Section 5.5.1: "typically echos the status code it received"
            self._owe_close(piece.data[:2], now)
            events.append(WebSocketClosed(code, reason))

    def _receive_eof(self) -> list[WebSocketEvent]:
        self._peer_is_done = self._peer_closed = True
        if self.has_more or self._state is _ENDING:
            return []  # what came before goes first
        was_open = self._state is _OPEN
        self._end()
        return [WebSocketClosed(ABNORMAL_CLOSURE, "")] if was_open else []

    def _pass_over(self, data: bytes) -> None:
        """Look for the peer's Close."""
        if self._peer_closed or self._skipper is None:
            return
        if self._skipper.finds_close(data):
            self._peer_closed = True
            if self._state is _CLOSING:
                self._end()

    # Ends.

    def _fail(self, error: FrameError, events: list[WebSocketEvent], now: float) -> None:
        """The peer has broken the rules (section 7.1.7)."""
        self._owe_close(close_payload(error.code, error.reason), now)
        events.append(WebSocketClosed(error.code, error.reason))

    def _owe_close(self, payload: bytes, now: float) -> None:
        self._state = _ENDING
        self._close_owed = payload
        self.deadline = now + _ANSWER_GRACE
        self.has_news = True
        self._stop_reading()

    def _stop_reading(self) -> None:
        """No more frames are of interest but Close."""
        self.has_more = False
        self._assembler.clear()
        remainder = self._decoder.remainder()
        if remainder is None:
            self._peer_closed = True  # as far as we will ever know
        else:
            left, data = remainder
            self._skipper = FrameSkipper(left)
            self._pass_over(data)

    def _send_close(self, now: float) -> None:
        """Nothing more is sent."""
        self._flush_pongs()
        self._out.append(encode_frame(CLOSE, self._close_owed))
        if self._peer_closed:
            self._end()  # section 7.1.1: the server is the first to close
        else:
            self._state = _CLOSING
            self.deadline = now + self._settings.close_timeout
        self.has_news = True

    def _end(self) -> None:
        self._state = _ENDED
        self.ended = self.has_news = True
        self.deadline = inf

    # Sending.

    def send_message(self, data: str | bytes) -> None:
        """Send a message; dropped once Close has been sent.

        Raises:
            LocalProtocolError: text that cannot be UTF-8.
        """
        if self._state is _OPEN or self._state is _ENDING:
            self._out.append(self._memory.encode(data, self._deflate))

    def close(self, code: int, reason: str, now: float) -> None:
        """Send Close, and no more. What the peer closed with is echoed; what it broke is named.

        Raises:
            LocalProtocolError: the code is not one that may be sent (section 7.4).
        """
        if not is_sendable(code):
            raise LocalProtocolError(f"{code!r} is not a code that a WebSocket can be closed with")
        if self._state is _OPEN:
            self._close_owed = close_payload(code, reason)
            self._stop_reading()
            self._send_close(now)
        else:
            self.finish(now)

    def finish(self, now: float) -> None:
        """Send the Close that is owed: the application has been told of the end."""
        if self._state is _ENDING:
            self._send_close(now)

    def go_away(self, code: int, now: float) -> list[WebSocketEvent]:
        """The server ends; ``code`` says why. Close is owed to the peer."""
        if self._state is not _OPEN:
            return []
        self._owe_close(close_payload(code, ""), now)
        return [WebSocketClosed(code, "")]

    def data_to_send(self) -> bytes:
        """Return and forget what is to be written."""
        self.has_news = False
        if self._pongs is not None:
            self._flush_pongs()
        out = self._out
        if not out:
            return b""
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    def _flush_pongs(self) -> None:
        if self._pongs is not None:
            self._out += [encode_frame(PONG, payload) for payload in self._pongs]
            self._pongs = None

    # As time goes by.

    def handle_deadline(self, now: float) -> list[WebSocketEvent]:
        """Do what the deadline was set for, if it has passed. Raises nothing."""
        if now < self.deadline:
            return []
        if self._state is _OPEN:
            return self._look_for_life(now)
        if self._state is _ENDING:
            self._send_close(now)
        else:
            self._end()
        return []

    def _look_for_life(self, now: float) -> list[WebSocketEvent]:
        settings = self._settings
        interval, timeout = settings.ping_interval, settings.pong_timeout
        if self.held or self.has_more:
            self._last_received = now
        if self._pinged_at > self._last_received and timeout is not None:
            if now >= self._pinged_at + timeout:
                return self._give_up(now)
            self.deadline = self._pinged_at + timeout
            return []
        due = inf if interval is None else max(self._last_received, self._pinged_at) + interval
        if now >= due:
            self._out.append(encode_frame(PING, b""))
            self.has_news = True
            self._pinged_at = now
            due = now + min(interval or inf, timeout or inf)
        self.deadline = due
        return []

    def _give_up(self, now: float) -> list[WebSocketEvent]:
        """The peer has not answered a ping."""
        self._close_owed = close_payload(INTERNAL_ERROR, "ping timeout")
        self._peer_closed = True
        self._send_close(now)
        return [WebSocketClosed(ABNORMAL_CLOSURE, "ping timeout")]
