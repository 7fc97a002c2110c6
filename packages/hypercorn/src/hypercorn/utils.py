"""The exceptions and helpers that 0.18 had under this name.

Knows: where each of them lives now; those that this server has no use for live here.
Must not know: anything else. New code imports from the modules that own a name.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypercorn_asgi.detection import is_asgi
from hypercorn_asgi.errors import (
    LifespanFailureError,
    LifespanTimeoutError,
    UnexpectedMessageError,
)
from hypercorn_asgi.wrappers import wrap_app

from .errors import NoAppError
from .loading import load_application

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from .config import Config

__all__ = [
    "FrameTooLargeError",
    "LifespanFailureError",
    "LifespanTimeoutError",
    "NoAppError",
    "ShutdownError",
    "UnexpectedMessageError",
    "build_and_validate_headers",
    "check_for_updates",
    "check_multiprocess_shutdown_event",
    "files_to_watch",
    "filter_pseudo_headers",
    "is_asgi",
    "load_application",
    "parse_socket_addr",
    "raise_shutdown",
    "repr_socket_addr",
    "suppress_body",
    "valid_server_name",
    "wrap_app",
    "write_pid_file",
]

POLL_INTERVAL = 0.1


class ShutdownError(Exception):
    """Raised by :func:`raise_shutdown` to end a group of tasks."""


class FrameTooLargeError(Exception):
    """A WebSocket message is larger than it may be."""


def suppress_body(method: str, status_code: int) -> bool:
    """Whether a response has no body whatever the application sends (RFC 9110 section 6.4.1)."""
    return method == "HEAD" or 100 <= status_code < 200 or status_code in {204, 304}


def build_and_validate_headers(
    headers: Iterable[tuple[bytes, bytes]],
) -> list[tuple[bytes, bytes]]:
    """The headers without surrounding space.

    Raises TypeError for what is not bytes and ValueError for a pseudo-header."""
    built = []
    for name, value in headers:
        if not isinstance(name, bytes) or not isinstance(value, bytes):
            raise TypeError("header names and values must be bytes")
        if name.startswith(b":"):
            raise ValueError("pseudo headers are not valid")
        built.append((name.strip(), value.strip()))
    return built


def filter_pseudo_headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers without pseudo-headers, ``host`` first; ``:authority`` wins over ``host``."""
    values = dict(reversed(headers))
    host = values.get(b":authority", values.get(b"host", b""))
    others = [
        (name, value) for name, value in headers if name != b"host" and not name.startswith(b":")
    ]
    return [(b"host", host), *others]


def files_to_watch() -> dict[Path, float]:
    """The files of the modules that are imported, with the times they were changed."""
    files = {}
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if isinstance(name, str):
            try:
                files[Path(name)] = Path(name).stat().st_mtime
            except OSError:
                continue
    return files


def check_for_updates(files: dict[Path, float]) -> bool:
    """Whether one of the files has changed since; the new times are stored."""
    for path, known in files.items():
        try:
            changed = path.stat().st_mtime
        except OSError:
            continue
        if changed > known:
            files[path] = changed
            return True
    return False


async def raise_shutdown(shutdown_event: Callable[..., Awaitable[object]]) -> None:
    """Raise :class:`ShutdownError` when ``shutdown_event()`` returns."""
    await shutdown_event()
    raise ShutdownError


async def check_multiprocess_shutdown_event(
    shutdown_event: Event, sleep: Callable[[float], Awaitable[Any]]
) -> None:
    """Return when another process has set the event, which is looked at ten times a second."""
    while not shutdown_event.is_set():
        await sleep(POLL_INTERVAL)


def write_pid_file(pid_path: str) -> None:
    """Write this process's id to a file."""
    Path(pid_path).write_text(str(os.getpid()))


def parse_socket_addr(family: int, address: tuple[Any, ...]) -> tuple[str, int] | None:
    """Host and port of an address as ``getsockname`` gives it; None for a unix socket."""
    if family in {socket.AF_INET, socket.AF_INET6}:
        return (str(address[0]), int(address[1]))
    return None


def repr_socket_addr(family: int, address: tuple[Any, ...] | str | bytes) -> str:
    """An address as it is shown: ``127.0.0.1:8000``, ``[::1]:8000`` or ``unix:PATH``."""
    if family == socket.AF_INET:
        return f"{address[0]!s}:{address[1]!s}"
    if family == socket.AF_INET6:
        return f"[{address[0]!s}]:{address[1]!s}"
    if family == getattr(socket, "AF_UNIX", None):
        return f"unix:{os.fsdecode(address) if isinstance(address, (str, bytes)) else address}"
    return f"{address!r}"


def valid_server_name(config: Config, request: Any) -> bool:
    """Whether the Host of ``request.headers`` is one of ``server_names``, if there are any."""
    if not config.server_names:
        return True
    host = next((value for name, value in request.headers if name.lower() == b"host"), b"")
    return bytes(host).decode("ascii", "replace") in config.server_names
