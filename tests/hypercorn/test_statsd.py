"""Metrics, received by a socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

import hypercorn.asyncio.statsd
import hypercorn.trio.statsd
from hypercorn.config import Config, ConfigError
from hypercorn.statsd import StatsdLogger

SCOPE: Any = {
    "type": "http",
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "scheme": "http",
    "client": None,
    "headers": [],
}


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(30)
        yield sock


def logger_for(server: socket.socket, **options: Any) -> StatsdLogger:
    options["statsd_host"] = f"127.0.0.1:{server.getsockname()[1]}"
    return StatsdLogger(Config.from_mapping(options, errorlog=logging.getLogger("of.the.test")))


def received(server: socket.socket, call: Callable[[], Awaitable[None]], count: int) -> list[str]:
    async def main() -> None:
        await call()

    asyncio.run(main())
    return [server.recv(1000).decode() for _ in range(count)]


def test_kinds_of_metrics(server: socket.socket) -> None:
    logger = logger_for(server)

    async def send() -> None:
        await logger.gauge("g", 1)
        await logger.increment("c", 2)
        await logger.increment("c", 2, 0.5)
        await logger.decrement("c", 3)
        await logger.histogram("h", 4.5)

    assert received(server, send, 5) == [
        "g:1|g",
        "c:2|c|@1.0",
        "c:2|c|@0.5",
        "c:-3|c|@1.0",
        "h:4.5|ms",
    ]


@pytest.mark.parametrize("prefix", ["p", "p."])
def test_prefix_and_tags(server: socket.socket, prefix: str) -> None:
    logger = logger_for(server, statsd_prefix=prefix, dogstatsd_tags="env:test,a:b")
    assert received(server, lambda: logger.gauge("g", 1), 1) == ["p.g:1|g|#env:test,a:b"]


def test_requests(server: socket.socket) -> None:
    logger = logger_for(server)
    response: Any = {"status": 404, "headers": []}
    assert received(server, lambda: logger.access(SCOPE, response, 0.25), 3) == [
        "hypercorn.request.duration:250.0|ms",
        "hypercorn.requests:1|c|@1.0",
        "hypercorn.request.status.404:1|c|@1.0",
    ]
    assert len(received(server, lambda: logger.access(SCOPE, None, 0.25), 2)) == 2


@pytest.mark.parametrize("method", ["critical", "error", "warning", "exception"])
def test_log_lines_are_counted(server: socket.socket, method: str) -> None:
    logger = logger_for(server)
    call = getattr(logger, method)
    assert received(server, lambda: call("x"), 1) == [f"hypercorn.log.{method}:1|c|@1.0"]


@pytest.mark.parametrize(
    ("mtype", "sent"), [("gauge", "m:7|g"), ("counter", "m:7|c|@1.0"), ("histogram", "m:7|ms")]
)
def test_metric_in_a_log_call(server: socket.socket, mtype: str, sent: str) -> None:
    logger = logger_for(server)
    extra = {"metric": "m", "value": 7, "mtype": mtype}
    assert received(server, lambda: logger.info("x", extra=extra), 1) == [sent]
    assert received(server, lambda: logger.debug("x", extra=extra), 1) == [sent]
    assert received(server, lambda: logger.log(logging.INFO, "x", extra=extra), 1) == [sent]


def test_nobody_needs_to_listen() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        logger = logger_for(sock)

    async def send() -> None:
        for _ in range(3):
            await logger.gauge("g", 1)

    asyncio.run(send())


def test_host_that_is_unknown() -> None:
    with pytest.raises(ConfigError, match=r"statsd_host = 'no.such.name.invalid:1': "):
        StatsdLogger(Config.from_mapping(statsd_host="no.such.name.invalid:1"))


def test_the_workers_classes() -> None:
    for module in (hypercorn.asyncio.statsd, hypercorn.trio.statsd):
        assert issubclass(module.StatsdLogger, StatsdLogger)
