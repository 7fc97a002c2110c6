"""Requests over one connection, with bodies that are neither kept nor made up in memory.

Knows: as much of HTTP/1.1 as it takes to send a large body, to throw one away and to ask often.
Must not know: servers, or what is measured meanwhile.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator

from benchmarks.servers import HOST
from development.commands import CommandError

# Seconds of each read and write, and of a whole body.
_TIMEOUT = 30.0
_BODY_TIMEOUT = 300.0

_CHUNK = bytes(262_144)


def upload(port: int, size: int) -> float:
    """Send a body that the server counts, and return the seconds that it took.

    Raises:
        CommandError: the server counted something else, or it took too long.
        OSError, http.client.HTTPException: the server failed.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT)
    began_at = time.monotonic()
    try:
        headers = {"Content-Length": str(size)}
        connection.request("POST", "/", _chunks(size, began_at), headers)
        counted = int(connection.getresponse().read())
    finally:
        connection.close()
    if counted != size:
        raise CommandError(f"of {size} bytes {counted} arrived")
    return time.monotonic() - began_at


def download(port: int, size: int) -> float:
    """Read a body and return the seconds that it took.

    Raises:
        CommandError: it has another size, or took too long.
        OSError, http.client.HTTPException: the server failed.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT)
    began_at = time.monotonic()
    received = 0
    buffer = bytearray(len(_CHUNK))
    try:
        connection.request("GET", f"/{size}")
        response = connection.getresponse()
        while count := response.readinto(buffer):
            received += count
            _check_time(began_at)
    finally:
        connection.close()
    if received != size:
        raise CommandError(f"of {size} bytes {received} arrived")
    return time.monotonic() - began_at


def latencies(port: int, seconds: float) -> list[float]:
    """Ask for something small, over and over, and return how long each answer took, in seconds.

    Raises:
        OSError, http.client.HTTPException: the server failed.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT)
    results = []
    until = time.perf_counter() + seconds
    try:
        while (began_at := time.perf_counter()) < until:
            connection.request("GET", "/")
            connection.getresponse().read()
            results.append(time.perf_counter() - began_at)
    finally:
        connection.close()
    return results


def percentile(values: list[float], percent: float) -> float:
    """Give the value that so many of a hundred do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-percent * len(ordered) // 100)  # rounded up
    return ordered[max(int(rank), 1) - 1]


def _chunks(size: int, began_at: float) -> Iterator[bytes]:
    while size > 0:
        _check_time(began_at)
        yield _CHUNK[:size]
        size -= len(_CHUNK)


def _check_time(began_at: float) -> None:
    if time.monotonic() - began_at > _BODY_TIMEOUT:
        raise CommandError(f"a body took more than {_BODY_TIMEOUT:.0f} s")
