"""Which protocol a connection speaks: the one that its handshake chose, or that it switches to.

Knows: the ALPN names (RFC 7301), who may speak which of them, and the class that does.
Must not know: TLS itself, sockets, or anything of what is said on a connection.
"""

from __future__ import annotations

from dataclasses import replace

from hypercorn_protocols.connection import ServerConnection
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.events import Event, ProtocolSwitched
from hypercorn_protocols.http1 import HTTP1Connection
from hypercorn_protocols.http2 import HTTP2Connection
from hypercorn_protocols.settings import HTTP1Settings, HTTP2Settings

__all__ = ["ALPN_PROTOCOLS", "Negotiator"]

ALPN_PROTOCOLS = ("h2", "http/1.1")
"""What may be offered in a TLS handshake, best first (RFC 9112 and RFC 9113 section 3.2)."""


class Negotiator:
    """Makes the connections of one server.

    Args:
        http1: limits, timers and the engine of HTTP/1.1; ``switch_to_http2`` is for connections
            without TLS alone.
        http2: those of HTTP/2.
        http1_defaults: the fields that every response over HTTP/1.1 gets.
        http2_defaults: those over HTTP/2.
    """

    __slots__ = ("_encrypted_http1", "_http1", "_http1_defaults", "_http2", "_http2_defaults")

    def __init__(
        self,
        http1: HTTP1Settings,
        http2: HTTP2Settings,
        http1_defaults: DefaultHeaders,
        http2_defaults: DefaultHeaders,
    ) -> None:
        self._http1 = http1
        # RFC 9113 section 3.3: over TLS, HTTP/2 is chosen in the handshake and not otherwise
        self._encrypted_http1 = replace(http1, switch_to_http2=False)
        self._http2 = http2
        self._http1_defaults = http1_defaults
        self._http2_defaults = http2_defaults

    def connect(self, alpn: str | None, encrypted: bool, now: float) -> ServerConnection:
        """Make the connection of a peer that has just connected.

        Args:
            alpn: the name that the handshake chose; None if there was none to choose.
            encrypted: whether there was a handshake at all.
            now: the time, in seconds.

        Raises:
            ImportError: the engine that the settings name is not installed.
        """
        if alpn == "h2":
            return HTTP2Connection(self._http2, self._http2_defaults, now)
        settings = self._encrypted_http1 if encrypted else self._http1
        return HTTP1Connection(settings, self._http1_defaults, now)

    def switch(self, event: ProtocolSwitched, now: float) -> tuple[ServerConnection, list[Event]]:
        """Make the connection that takes over, and say what it has understood already.

        What the connection before it holds for the peer has to be written first.

        Raises:
            ImportError: as :meth:`connect`.
        """
        connection = HTTP2Connection(self._http2, self._http2_defaults, now)
        events: list[Event] = []
        if event.request is not None:
            events += connection.receive_upgrade(event.request, event.settings, now)
        if event.data:
            events += connection.receive_data(event.data, now)
        return connection, events
