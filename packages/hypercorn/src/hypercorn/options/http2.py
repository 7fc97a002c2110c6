"""Options on HTTP/2 alone; what it has in common with HTTP/1.1 is in :mod:`.http`.

Knows: the group of HTTP/2.
Must not know: what is done with a value. The defaults are those of the layers below.
"""

from __future__ import annotations

from hypercorn_protocols.settings import HTTP2Settings

from .kinds import Choice, Integer, Maybe, Seconds, Switch
from .option import OptionGroup, option

__all__ = ["HTTP2Options"]

HTTP2 = HTTP2Settings()
# RFC 9113 section 4.2
SMALLEST_FRAME_LIMIT, LARGEST_FRAME_LIMIT = 16_384, 16_777_215


class HTTP2Options(OptionGroup, title="HTTP/2"):
    """In addition to what is under HTTP and Limits, which holds for each request of HTTP/2 too."""

    h2c: bool = option(
        Switch(),
        True,
        "Serve HTTP/2 without TLS as well: to clients that begin with it, and to those that ask "
        "for `Upgrade: h2c`.",
    )
    http2_engine: str = option(
        Choice(("auto", "builtin", "hpack")),
        HTTP2.engine,
        "What compresses headers; `auto` is the built-in engine.",
    )
    h2_push: bool = option(
        Switch(), HTTP2.push, "Push what the application asks for, to clients that take it."
    )
    h2_max_concurrent_streams: int = option(
        Integer(minimum=1),
        HTTP2.max_concurrent_streams,
        "Most requests at once on one connection; one whose application still runs counts.",
    )
    h2_max_header_list_size: int = option(
        Integer(minimum=1),
        HTTP2.max_header_list_size,
        "Largest headers of a request, as RFC 9113 counts them; larger is refused with 431.",
    )
    h2_max_inbound_frame_size: int = option(
        Integer(minimum=SMALLEST_FRAME_LIMIT, maximum=LARGEST_FRAME_LIMIT),
        HTTP2.max_frame_size,
        "Largest frame that is taken.",
    )
    h2_max_window_growth: int = option(
        Integer(),
        HTTP2.max_window_growth,
        "How much more than `max_body_buffer` may be on its way for all requests of a connection "
        "together, in bytes, when the application keeps up.",
    )
    h2_settings_timeout: float | None = option(
        Maybe(Seconds()),
        HTTP2.settings_timeout,
        "How long a client may take to acknowledge the server's settings.",
    )
    h2_max_resets: int = option(
        Integer(minimum=1),
        HTTP2.max_resets,
        "How many requests a client may have reset at once before they were answered; more ends "
        "the connection.",
    )
    h2_resets_per_second: int = option(
        Integer(),
        int(HTTP2.resets_per_second),
        "How many of these resets are forgiven each second.",
    )
    h2_max_control_frames: int = option(
        Integer(minimum=1),
        HTTP2.max_control_frames,
        "How many frames that do no work (pings, settings, priorities, empty data) a client may "
        "send at once; more ends the connection.",
    )
    h2_control_frames_per_second: int = option(
        Integer(),
        int(HTTP2.control_frames_per_second),
        "How many of these frames are forgiven each second.",
    )
