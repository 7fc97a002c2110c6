"""From a configuration to the settings of the layers below.

Knows: which option is which field of WorkerSettings and HTTP1Settings.
Must not know: where the values came from.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

from hypercorn_protocols.settings import HTTP1EngineName, HTTP1Settings
from hypercorn_workers.settings import WorkerSettings

if TYPE_CHECKING:
    from .config import Config

__all__ = ["worker_settings"]


def worker_settings(config: Config) -> WorkerSettings:
    """How one worker is to serve."""
    return WorkerSettings(
        http1=_http1_settings(config),
        root_path=config.root_path,
        server_names=tuple(config.server_names),
        startup_timeout=config.startup_timeout,
        shutdown_timeout=config.shutdown_timeout,
        graceful_timeout=config.graceful_timeout,
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
        keep_alive_timeout=config.keep_alive_timeout,
        head_timeout=config.read_header_timeout,
        read_idle_timeout=_lower(config.read_idle_timeout, config.read_timeout),
        read_min_rate=config.read_min_rate,
        read_timeout=config.read_body_timeout,
        rate_grace=config.rate_grace,
        linger_timeout=config.linger_timeout,
    )


def _lower(first: float | None, second: float | None) -> float | None:
    """The shorter of two timers, where None never runs out."""
    return min((timer for timer in (first, second) if timer is not None), default=None)


def _max_requests(config: Config) -> int | None:
    if config.max_requests is None:
        return None
    return config.max_requests + random.randint(0, config.max_requests_jitter)
