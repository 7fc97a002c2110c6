"""From a configuration to the settings of the layers below.

Knows: which option is which field of WorkerSettings and of each protocol's settings.
Must not know: where the values came from.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

from hypercorn_protocols.settings import (
    HTTP1EngineName,
    HTTP1Settings,
    HTTP2EngineName,
    HTTP2Settings,
    WebSocketEngineName,
    WebSocketSettings,
)
from hypercorn_workers.settings import WorkerSettings

if TYPE_CHECKING:
    from .config import Config

__all__ = ["worker_settings"]


def worker_settings(config: Config) -> WorkerSettings:
    """How one worker is to serve."""
    return WorkerSettings(
        http1=_http1_settings(config),
        http2=_http2_settings(config),
        websocket=_websocket_settings(config),
        root_path=config.root_path,
        server_names=tuple(config.server_names),
        startup_timeout=config.startup_timeout,
        shutdown_timeout=config.shutdown_timeout,
        graceful_timeout=config.graceful_timeout,
        drain_delay=config.drain_delay,
        readiness_path=config.readiness_path,
        ssl_handshake_timeout=config.ssl_handshake_timeout,
        backlog=config.backlog,
        write_idle_timeout=config.write_idle_timeout,
        write_min_rate=config.write_min_rate,
        write_buffer=config.write_buffer,
        max_requests=_max_requests(config),
        response_headers=config.response_headers,
    )


def _http1_settings(config: Config) -> HTTP1Settings:
    return HTTP1Settings(
        engine=cast("HTTP1EngineName", config.http1_engine),
        max_head_size=config.h11_max_incomplete_size,
        max_headers=config.max_headers,
        max_body_size=config.max_request_body_size,
        max_body_buffer=config.max_body_buffer,
        max_pipeline_buffer=config.max_pipeline_buffer,
        max_requests=config.keep_alive_max_requests,
        keep_header_case=config.h11_pass_raw_headers,
        switch_to_http2=config.h2c,
        keep_alive_timeout=config.keep_alive_timeout,
        head_timeout=config.read_header_timeout,
        read_idle_timeout=_lower(config.read_idle_timeout, config.read_timeout),
        read_min_rate=config.read_min_rate,
        read_timeout=config.read_body_timeout,
        rate_grace=config.rate_grace,
        linger_timeout=config.linger_timeout,
    )


def _http2_settings(config: Config) -> HTTP2Settings:
    return HTTP2Settings(
        engine=cast("HTTP2EngineName", config.http2_engine),
        max_concurrent_streams=config.h2_max_concurrent_streams,
        max_header_list_size=config.h2_max_header_list_size,
        max_headers=config.max_headers,
        max_frame_size=config.h2_max_inbound_frame_size,
        max_body_size=config.max_request_body_size,
        max_body_buffer=config.max_body_buffer,
        max_window_growth=config.h2_max_window_growth,
        max_requests=_http2_max_requests(config),
        push=config.h2_push,
        keep_alive_timeout=config.keep_alive_timeout,
        head_timeout=config.read_header_timeout,
        settings_timeout=config.h2_settings_timeout,
        read_idle_timeout=_lower(config.read_idle_timeout, config.read_timeout),
        read_min_rate=config.read_min_rate,
        read_timeout=config.read_body_timeout,
        write_idle_timeout=config.write_idle_timeout,
        write_min_rate=config.write_min_rate,
        rate_grace=config.rate_grace,
        linger_timeout=config.linger_timeout,
        max_resets=config.h2_max_resets,
        resets_per_second=config.h2_resets_per_second,
        max_control_frames=config.h2_max_control_frames,
        control_frames_per_second=config.h2_control_frames_per_second,
    )


def _websocket_settings(config: Config) -> WebSocketSettings:
    return WebSocketSettings(
        engine=cast("WebSocketEngineName", config.websocket_engine),
        max_message_size=config.websocket_max_message_size,
        max_message_buffer=config.websocket_max_message_buffer,
        ping_interval=config.websocket_ping_interval or None,
        pong_timeout=config.websocket_ping_timeout or None,
        close_timeout=config.websocket_close_timeout,
        deflate=config.websocket_permessage_deflate,
        deflate_window_bits=config.websocket_deflate_window_bits,
        deflate_memory_level=config.websocket_deflate_memory_level,
        deflate_level=config.websocket_deflate_level,
        deflate_context_takeover=config.websocket_deflate_context_takeover,
        deflate_min_size=config.websocket_deflate_min_size,
    )


def _http2_max_requests(config: Config) -> int | None:
    """As for HTTP/1.1 where somebody has set it: else streams are not counted, for reconnecting
    costs more than on HTTP/1.1, and some clients lose what is under way."""
    default = HTTP1Settings().max_requests
    limit = config.keep_alive_max_requests
    return HTTP2Settings().max_requests if limit == default else limit


def _lower(first: float | None, second: float | None) -> float | None:
    """The shorter of two timers, where None never runs out."""
    return min((timer for timer in (first, second) if timer is not None), default=None)


def _max_requests(config: Config) -> int | None:
    if config.max_requests is None:
        return None
    return config.max_requests + random.randint(0, config.max_requests_jitter)
