"""TLS on asyncio's loops: a transport for a connection, on top of a plain one.

Knows: :class:`ssl.SSLObject` and asyncio's transports.
Must not know: HTTP, or what a connection does with what it is told.

The loops' own TLS will not do. It hides what still waits in the transport below it, so that a slow
peer cannot be told from one that has taken everything; it cuts off what a peer has not taken within
some seconds of the close, or, before Python 3.11, waits for a peer's goodbye for ever; and it
cannot end its output alone.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from hypercorn_workers.connection import Connection
from hypercorn_workers.port import Transport

__all__ = ["TLSProtocol"]

# As much is encrypted at once: an answer that is large is not held a second time.
_PIECE = 262_144

MakeConnection = Callable[[Transport, asyncio.Transport, ssl.SSLObject], Connection]
"""Called when the handshake is done, with the transport to write to and what it stands on."""


class TLSProtocol(asyncio.Protocol):
    """One peer's TLS: a protocol to the transport below, a Transport to the connection above.

    Args:
        loop: for the handshake's time limit.
        context: the server's.
        handshake_timeout: in seconds.
        make_transport: makes a :class:`~hypercorn_workers.port.Transport` of the one below.
        make_connection: makes the connection above.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: ssl.SSLContext,
        handshake_timeout: float,
        make_transport: Callable[[asyncio.Transport], Transport],
        make_connection: MakeConnection,
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._timer = loop.call_later(handshake_timeout, self._give_up)
        self._make_transport = make_transport
        self._make_connection = make_connection
        self._connection: Connection | None = None
        self._input_ended = False
        self._output_ended = False
        self.arrived: asyncio.Future[None] = loop.create_future()
        """Done when the peer has a connection, or will not have one."""

    # What the transport below tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The peer is connected; it begins the handshake."""
        self._stream = cast(asyncio.Transport, transport)
        self._below = self._make_transport(self._stream)
        self.buffered = self._below.buffered
        self.pause_reading = self._below.pause_reading
        self.resume_reading = self._below.resume_reading
        self.abort = self._below.abort

    def data_received(self, data: bytes) -> None:
        """Decrypt, and hand on."""
        if self._output_ended or self._input_ended:
            return  # of no interest, and after our goodbye not to be decrypted
        self._incoming.write(data)
        if self._connection is None and not self._shake_hands():
            return
        self._read()

    def eof_received(self) -> bool:
        """Keep the transport open: what was asked is still to be answered."""
        if self._connection is None:
            return False
        self._end_input()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport below is closed."""
        self._has_arrived()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.connection_lost()

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        if self._connection is not None:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The transport's buffer has room."""
        if self._connection is not None:
            self._connection.resume_writing()

    # The handshake.

    def _shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
            return False
        except ssl.SSLError:
            self._send()  # the alert that says why
            self._give_up()
            return False
        self._send()
        self._has_arrived()
        self._connection = self._make_connection(self, self._stream, self._tls)
        return True

    def _give_up(self) -> None:
        self._input_ended = True
        self._stream.close()
        self._has_arrived()

    def _has_arrived(self) -> None:
        self._timer.cancel()
        if not self.arrived.done():
            self.arrived.set_result(None)

    # Reading.

    def _read(self) -> None:
        """Hand on all that can be decrypted."""
        pieces: list[bytes] = []
        ended = False
        try:
            while piece := self._tls.read(_PIECE):
                pieces.append(piece)
            ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self._fail()
            return
        if self._outgoing.pending:
            self._send()  # what TLS itself has to answer, such as to a change of keys
        if pieces and self._connection is not None:
            self._connection.data_received(b"".join(pieces))
        if ended:
            self._end_input()

    def _end_input(self) -> None:
        if not self._input_ended:
            self._input_ended = True
            if self._connection is not None:
                self._connection.eof_received()

    def _fail(self) -> None:
        """What came cannot be decrypted."""
        self._input_ended = True
        self._send()
        self._stream.abort()

    # The port (hypercorn_workers.port.Transport).

    def write(self, data: bytes, /) -> None:
        """Encrypt and send."""
        if len(data) <= _PIECE:
            self._encrypt(data)
            return
        view = memoryview(data)
        for at in range(0, len(view), _PIECE):
            self._encrypt(view[at : at + _PIECE])

    def half_close(self) -> bool:
        """Say goodbye and end the output; what still comes is dropped."""
        self._say_goodbye()
        return self._below.half_close()

    def close(self) -> None:
        """Send what waits and say goodbye, then close."""
        self._say_goodbye()
        self._below.close()

    def _encrypt(self, data: bytes | memoryview) -> None:
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self._fail()
            return
        self._send()

    def _say_goodbye(self) -> None:
        """RFC 8446 section 6.1: who closes says so, and need not wait for the other."""
        if self._output_ended:
            return
        self._output_ended = True
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # the other has not said it yet
        self._send()

    def _send(self) -> None:
        data = self._outgoing.read()
        if data:
            self._stream.write(data)
