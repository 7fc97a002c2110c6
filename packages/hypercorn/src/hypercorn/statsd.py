"""StatsD: counts and durations of requests, sent as datagrams beside the log.

Knows: the metrics' names, StatsD's wire form and DogStatsD's tags.
Must not know: event loops: a datagram is handed to the system, which takes or drops it at once.
"""

from __future__ import annotations

import contextlib
import socket
import weakref
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .logging import Logger

if TYPE_CHECKING:
    from .config import Config
    from .typing import ResponseSummary, WWWScope

__all__ = [
    "COUNTER_TYPE",
    "GAUGE_TYPE",
    "HISTOGRAM_TYPE",
    "METRIC_VAR",
    "MTYPE_VAR",
    "VALUE_VAR",
    "StatsdLogger",
]

METRIC_VAR = "metric"
VALUE_VAR = "value"
MTYPE_VAR = "mtype"
GAUGE_TYPE = "gauge"
COUNTER_TYPE = "counter"
HISTOGRAM_TYPE = "histogram"

DEFAULT_PORT = 8125


class StatsdLogger(Logger):
    """Sends metrics to ``statsd_host`` beside what it logs.

    A log call with ``extra={"metric": name, "value": n, "mtype": "counter"}`` sends that metric.
    Raises ConfigError if the host is unknown.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        prefix = config.statsd_prefix
        self.prefix = prefix if not prefix or prefix.endswith(".") else f"{prefix}."
        self.dogstatsd_tags = config.dogstatsd_tags
        self._address: Any = None
        self._socket: socket.socket | None = None
        if config.statsd_host is not None:
            self._open(config.statsd_host)

    def _open(self, address: str) -> None:
        """The name is resolved once, here, as that may take time."""
        host, _, port = address.rpartition(":")
        try:
            found = socket.getaddrinfo(
                host.strip("[]"), int(port or DEFAULT_PORT), type=socket.SOCK_DGRAM
            )
        except OSError as error:
            raise ConfigError(f"statsd_host = {address!r}: {error.strerror}") from None
        family, _, _, _, self._address = found[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        weakref.finalize(self, self._socket.close)

    async def critical(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log, and count ``hypercorn.log.critical``."""
        await super().critical(message, *args, **kwargs)
        await self.increment("hypercorn.log.critical", 1)

    async def error(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log, and count ``hypercorn.log.error``."""
        await super().error(message, *args, **kwargs)
        await self.increment("hypercorn.log.error", 1)

    async def warning(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log, and count ``hypercorn.log.warning``."""
        await super().warning(message, *args, **kwargs)
        await self.increment("hypercorn.log.warning", 1)

    async def info(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log, and send the metric of ``extra``."""
        await super().info(message, *args, **kwargs)
        await self._send_extra(kwargs)

    async def debug(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log, and send the metric of ``extra``."""
        await super().debug(message, *args, **kwargs)
        await self._send_extra(kwargs)

    async def exception(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log, and count ``hypercorn.log.exception``."""
        await super().exception(message, *args, **kwargs)
        await self.increment("hypercorn.log.exception", 1)

    async def log(self, level: int, message: str, *args: Any, **kwargs: Any) -> None:
        """Log, and send the metric of ``extra``."""
        await super().log(level, message, *args, **kwargs)
        await self._send_extra(kwargs)

    async def access(
        self, request: WWWScope, response: ResponseSummary | None, request_time: float
    ) -> None:
        """Log the request, count it and its status, and send its duration."""
        await super().access(request, response, request_time)
        await self.histogram("hypercorn.request.duration", request_time * 1_000)
        await self.increment("hypercorn.requests", 1)
        if response is not None:
            await self.increment(f"hypercorn.request.status.{response['status']}", 1)

    async def gauge(self, name: str, value: int) -> None:
        """Send a gauge."""
        await self._send(f"{self.prefix}{name}:{value}|g")

    async def increment(self, name: str, value: int, sampling_rate: float = 1.0) -> None:
        """Add to a counter."""
        await self._send(f"{self.prefix}{name}:{value}|c|@{sampling_rate}")

    async def decrement(self, name: str, value: int, sampling_rate: float = 1.0) -> None:
        """Subtract from a counter."""
        await self._send(f"{self.prefix}{name}:-{value}|c|@{sampling_rate}")

    async def histogram(self, name: str, value: float) -> None:
        """Send a duration in milliseconds."""
        await self._send(f"{self.prefix}{name}:{value}|ms")

    async def _send_extra(self, kwargs: dict[str, Any]) -> None:
        extra = kwargs.get("extra") or {}
        name, value = extra.get(METRIC_VAR), extra.get(VALUE_VAR)
        if name is None or value is None:
            return
        match extra.get(MTYPE_VAR):
            case "gauge":
                await self.gauge(name, value)
            case "counter":
                await self.increment(name, value)
            case "histogram":
                await self.histogram(name, value)

    async def _send(self, message: str) -> None:
        tags = f"|#{self.dogstatsd_tags}" if self.dogstatsd_tags else ""
        await self._socket_send(f"{message}{tags}".encode("ascii", "replace"))

    async def _socket_send(self, message: bytes) -> None:
        """Hand a datagram to the system. A metric that is lost must not disturb a request."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(message, self._address)
