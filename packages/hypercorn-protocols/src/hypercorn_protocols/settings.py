"""Settings of the protocols: small frozen values, one class for each protocol.

Knows: names, units and defaults of the limits and timers that a protocol applies.
Must not know: configuration files, command lines or where a value came from.

A limit of ``None`` means "no limit"; a timer of ``None`` means "never".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "HTTP1EngineName",
    "HTTP1Settings",
    "HTTP2EngineName",
    "HTTP2Settings",
    "WebSocketEngineName",
    "WebSocketSettings",
]

HTTP1EngineName = Literal["auto", "h11", "httptools"]
HTTP2EngineName = Literal["auto", "builtin", "hpack"]
WebSocketEngineName = Literal["auto", "builtin", "websockets", "wsproto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTP1Settings:
    """Limits and timers of one HTTP/1.1 connection.

    Sizes are bytes, times are seconds, rates are bytes a second.
    """

    engine: HTTP1EngineName = "auto"
    """Who tokenises request heads; ``auto`` is httptools where it is installed, else h11."""

    max_head_size: int = 16_384
    """Request line and header section together, and a trailer section. Longer: 414 or 431."""

    max_headers: int = 128
    """Field lines in one header or trailer section. More: 431."""

    max_body_size: int | None = None
    """Content of one request. Larger: 413."""

    max_body_buffer: int = 65_536
    """Content that the application has not taken yet; above it the peer is not read."""

    max_pipeline_buffer: int = 65_536
    """Bytes of requests that wait for the answer before them; above it the peer is not read."""

    max_requests: int | None = 1000
    """Requests on one connection; the last one is answered with ``connection: close``."""

    keep_header_case: bool = False
    """Hand out field names as they were sent rather than in lower case."""

    switch_to_http2: bool = False
    """Hand over to HTTP/2 when the client begins with its preface, or asks by ``Upgrade: h2c``."""

    keep_alive_timeout: float | None = 5.0
    """How long a connection may be without a request, from its start and between requests."""

    head_timeout: float | None = 5.0
    """From the first byte of a request to the end of its header section. Longer: 408."""

    read_idle_timeout: float | None = 30.0
    """The longest pause in a request's content while it is waited for. Longer: 408."""

    read_min_rate: int = 240
    """Slowest content, on average while it is waited for, after :attr:`rate_grace`. 0: any."""

    read_timeout: float | None = None
    """From the first byte of a request to the end of its content. Longer: 408."""

    rate_grace: float = 30.0
    """How long a transfer may take before its rate is judged."""

    linger_timeout: float = 2.0
    """After an answer that ends the connection: how long the rest of the request is read and
    thrown away, so that a reset does not destroy the answer (RFC 9112 section 9.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTP2Settings:
    """Limits and timers of one HTTP/2 connection.

    Sizes are bytes, times are seconds, rates are bytes a second.
    """

    engine: HTTP2EngineName = "auto"
    """Who compresses and decompresses header lists; ``auto`` is the built-in engine."""

    max_concurrent_streams: int = 100
    """Requests that may be open, or worked on, at once. More: RST_STREAM, REFUSED_STREAM."""

    max_header_list_size: int = 65_536
    """A request's header list, 32 bytes a field included (RFC 9113 section 6.5.2). Larger: 431;
    four times as large: GOAWAY."""

    max_headers: int = 128
    """Fields of one header or trailer section. More: 431."""

    max_frame_size: int = 16_384
    """The largest frame that is taken (SETTINGS_MAX_FRAME_SIZE): 16,384 to 16,777,215."""

    max_body_size: int | None = None
    """Content of one request. Larger: 413."""

    max_body_buffer: int = 65_536
    """Content of one request that the application has not taken yet: its first window."""

    max_window_growth: int = 4_194_304
    """By how much the windows of all requests of a connection together may grow, when a client
    is faster than they let it be and the application keeps up."""

    max_requests: int | None = None
    """Requests on one connection; after the last one it is closed gracefully with GOAWAY. There
    are clients that lose what is under way then."""

    push: bool = True
    """Push what the application asks for, where the client takes it."""

    keep_alive_timeout: float | None = 5.0
    """How long a connection may be without a request, from its start and between requests."""

    head_timeout: float | None = 5.0
    """For the client's preface with its first SETTINGS, and for each header section."""

    settings_timeout: float | None = 10.0
    """How long the client may take to acknowledge SETTINGS (RFC 9113 section 6.5.3)."""

    read_idle_timeout: float | None = 30.0
    """The longest pause in a request's content while it is waited for. Longer: 408."""

    read_min_rate: int = 240
    """Slowest content, on average while it is waited for, after :attr:`rate_grace`. 0: any."""

    read_timeout: float | None = None
    """From a request's header section to the end of its content. Longer: 408."""

    write_idle_timeout: float | None = 30.0
    """How long the client may keep its window shut while an answer waits. Longer: CANCEL."""

    write_min_rate: int = 240
    """Slowest average at which windows may let an answer go, after :attr:`rate_grace`. 0: any."""

    rate_grace: float = 30.0
    """How long a transfer may take before its rate is judged."""

    linger_timeout: float = 2.0
    """After a complete answer: how long the rest of the request is read and thrown away before
    the stream is reset, since clients exist that lose the answer with it. The same for what comes
    on a connection that has ended."""

    max_resets: int = 200
    """Streams that may be reset before they were answered, by the client or because of what it
    sent on them, in one burst. More: ENHANCE_YOUR_CALM (CVE-2023-44487, CVE-2025-8671)."""

    resets_per_second: float = 20.0
    """How many of these are forgiven each second."""

    max_control_frames: int = 1000
    """Frames that do no work (SETTINGS, PING, PRIORITY, unknown ones, empty DATA, WINDOW_UPDATE
    for which nothing was sent) in one burst. More: ENHANCE_YOUR_CALM."""

    control_frames_per_second: float = 100.0
    """How many of these are forgiven each second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketSettings:
    """Limits and timers of one WebSocket, whatever version of HTTP it came by.

    Sizes are bytes, times are seconds.
    """

    engine: WebSocketEngineName = "auto"
    """Who finds frames in what is received; ``auto`` is the built-in engine."""

    max_message_size: int = 16_777_216
    """One message, inflated and in UTF-8. Larger: 1009."""

    max_message_buffer: int = 65_536
    """Messages that the application has not taken yet; above it no more frames are read."""

    ping_interval: float | None = 20.0
    """How long a peer may be silent before it is pinged."""

    pong_timeout: float | None = 20.0
    """How long a pinged peer may go on being silent. Longer: 1011, and the end."""

    close_timeout: float = 5.0
    """How long the peer may take to answer Close."""

    deflate: bool = True
    """Compress messages with peers that offer it (permessage-deflate, RFC 7692)."""

    deflate_window_bits: int = 12
    """The base-2 logarithm of the largest LZ77 window in either direction, 9 to 15: memory for
    compression (RFC 7692 section 7.1.2)."""

    deflate_memory_level: int = 5
    """How much memory zlib spends on compressing, 1 to 9."""

    deflate_level: int = 6
    """How much time zlib spends on compressing, 1 to 9."""

    deflate_context_takeover: bool = True
    """Keep the window from one message to the next: smaller messages for more memory."""

    deflate_min_size: int = 64
    """Shorter messages are sent as they are."""
