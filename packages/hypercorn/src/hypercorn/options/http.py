"""Options on HTTP: engines, headers, limits and timers.

Knows: the groups of HTTP and of limits. Those of HTTP/2 alone are in :mod:`.http2`.
Must not know: what is done with a value. The defaults are those of the layers below.
"""

from __future__ import annotations

from hypercorn_protocols.settings import HTTP1Settings
from hypercorn_workers.settings import WorkerSettings

from .kinds import Choice, Integer, Maybe, Seconds, Strings, Switch
from .option import OptionGroup, option

__all__ = ["HTTPOptions", "LimitOptions"]

HTTP1 = HTTP1Settings()
WORKER = WorkerSettings()


class HTTPOptions(OptionGroup, title="HTTP"):
    """How requests are read and answered."""

    http1_engine: str = option(
        Choice(("auto", "h11", "httptools")),
        HTTP1.engine,
        "The HTTP/1.1 parser; `auto` is httptools where it is installed, else h11.",
    )
    h11_pass_raw_headers: bool = option(
        Switch(),
        HTTP1.keep_header_case,
        "Give the application the header names of HTTP/1.1 as they were sent rather than in "
        "lower case, whatever the engine.",
    )
    include_date_header: bool = option(Switch(), True, "Send a Date header.")
    include_server_header: bool = option(
        Switch(), True, "Send a Server header, such as `hypercorn-h11`."
    )
    alt_svc_headers: list[str] = option(
        Strings(), [], "Values of Alt-Svc headers to send.", flags=("--alt-svc-header",)
    )
    keep_alive_timeout: float = option(
        Seconds(),
        HTTP1.keep_alive_timeout or 0.0,
        "How long a connection may be without a request.",
        flags=("--keep-alive", "--keep-alive-timeout"),
    )
    keep_alive_max_requests: int = option(
        Integer(minimum=1),
        HTTP1.max_requests or 1000,
        "How many requests one connection may make. HTTP/2 connections are limited only if it is "
        "set to something else.",
    )


class LimitOptions(OptionGroup, title="Limits"):
    """What a client may cost. Sizes are bytes, rates bytes a second; ``none`` means no limit."""

    h11_max_incomplete_size: int = option(
        Integer(minimum=1),
        HTTP1.max_head_size,
        "Longest request line and headers of HTTP/1.1 together, whatever the engine.",
    )
    max_headers: int = option(Integer(minimum=1), HTTP1.max_headers, "Most headers of a request.")
    max_request_body_size: int | None = option(
        Maybe(Integer()),
        HTTP1.max_body_size,
        "Largest body of a request; more is refused with 413.",
    )
    max_body_buffer: int = option(
        Integer(minimum=1),
        HTTP1.max_body_buffer,
        "How much of a body may wait for the application before the client is not read.",
    )
    max_pipeline_buffer: int = option(
        Integer(minimum=1),
        HTTP1.max_pipeline_buffer,
        "How much of further requests may wait for an answer before the client is not read.",
    )
    write_buffer: int = option(
        Integer(minimum=1),
        WORKER.write_buffer,
        "How much of an answer may wait for the client before the application waits.",
    )
    read_header_timeout: float | None = option(
        Maybe(Seconds()),
        HTTP1.head_timeout,
        "How long the request line and headers may take.",
    )
    read_timeout: float | None = option(
        Maybe(Seconds()),
        None,
        "As read_idle_timeout, and the lower of the two holds: the name it had in 0.18.",
    )
    read_idle_timeout: float | None = option(
        Maybe(Seconds()),
        HTTP1.read_idle_timeout,
        "The longest pause in a request's body.",
    )
    read_min_rate: int = option(
        Integer(), HTTP1.read_min_rate, "The slowest that a body may come, on average. 0: any."
    )
    read_body_timeout: float | None = option(
        Maybe(Seconds()),
        HTTP1.read_timeout,
        "How long a request may take from its first byte to the end of its body.",
    )
    rate_grace: float = option(
        Seconds(), HTTP1.rate_grace, "How long a transfer may take before its rate is judged."
    )
    write_idle_timeout: float | None = option(
        Maybe(Seconds()),
        WORKER.write_idle_timeout,
        "How long a client may take nothing of what waits for it.",
    )
    write_min_rate: int = option(
        Integer(), WORKER.write_min_rate, "The slowest that an answer may be taken. 0: any."
    )
    linger_timeout: float = option(
        Seconds(),
        HTTP1.linger_timeout,
        "After an answer that ends a connection: how long the rest of the request is read away.",
    )
