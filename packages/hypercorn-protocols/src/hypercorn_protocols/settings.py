"""Settings of the protocols: small frozen values, one class for each protocol.

Knows: names, units and defaults of the limits and timers that a protocol applies.
Must not know: configuration files, command lines or where a value came from.

A limit of ``None`` means "no limit"; a timer of ``None`` means "never".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["HTTP1EngineName", "HTTP1Settings"]

HTTP1EngineName = Literal["auto", "h11", "httptools"]


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
