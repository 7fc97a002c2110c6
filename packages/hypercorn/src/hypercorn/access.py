"""The atoms of an access log line.

Knows: what each atom stands for, and how what a client sent is made safe to log.
Must not know: where the line goes.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .typing import ResponseSummary, WWWScope

__all__ = ["AccessLogAtoms"]

ABSENT = "-"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNSAFE = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029]')
"""What could end a line or a quoted field, or steer a terminal."""


class AccessLogAtoms(dict[str, str]):
    """The atoms of one request, for a ``%(name)s`` format; an unknown one is ``-``.

    ``{name}i`` is a request header, ``{name}o`` a response header and ``{name}e`` an environment
    variable of the process, in any case; they are looked up when they are asked for.
    """

    def __init__(
        self, request: WWWScope, response: ResponseSummary | None, request_time: float
    ) -> None:
        super().__init__()
        self._request_headers: Iterable[tuple[bytes, bytes]] = request["headers"]
        self._response_headers: Iterable[tuple[bytes, bytes]] = (
            () if response is None else response["headers"]
        )
        self.update(_request_atoms(request))
        self.update(_response_atoms(response))
        self.update(_process_atoms(request_time))
        self["f"] = self["{referer}i"]
        self["a"] = self["{user-agent}i"]
        self["b"] = self["B"] = self["{content-length}o"]

    def __getitem__(self, key: str) -> str:
        if key.startswith("{"):
            return self._looked_up(key)
        return self.get(key, ABSENT)

    def _looked_up(self, key: str) -> str:
        name, _, source = key[1:].lower().rpartition("}")
        if source == "i":
            return _header(self._request_headers, name)
        if source == "o":
            return _header(self._response_headers, name)
        if source == "e":
            return _environment().get(name, ABSENT)
        return ABSENT


def _header(headers: Iterable[tuple[bytes, bytes]], name: str) -> str:
    """The last header of this name, which is as 0.18 had it."""
    wanted = name.encode("latin-1", "replace")
    found = [value for key, value in headers if key.lower() == wanted]
    return _safe(found[-1].decode("latin-1")) if found else ABSENT


def _environment() -> Mapping[str, str]:
    return {name.lower(): value for name, value in os.environ.items()}


def _safe(text: str) -> str:
    return UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _request_atoms(request: Any) -> dict[str, str]:
    method = _safe(request.get("method", "GET"))
    path = _safe(request["path"])
    query = _safe(request["query_string"].decode("latin-1"))
    path_query = f"{path}?{query}" if query else path
    version = request.get("http_version", "ws")
    return {
        "h": _peer(request.get("client")),
        "l": ABSENT,
        "r": f"{method} {path} {version}",
        "R": f"{method} {path_query} {version}",
        "m": method,
        "U": path,
        "Uq": path_query,
        "q": query,
        "H": version,
        "S": request["scheme"],
    }


def _peer(client: Iterable[object] | None) -> str:
    return ABSENT if client is None else ":".join(str(part) for part in client)


def _response_atoms(response: Any) -> dict[str, str]:
    if response is None:
        return {"s": ABSENT, "st": ABSENT}
    status = response["status"]
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = f"<???{status}???>"
    return {"s": str(status), "st": reason}


def _process_atoms(request_time: float) -> dict[str, str]:
    return {
        "t": _now(),
        "T": str(int(request_time)),
        "D": str(int(request_time * 1_000_000)),
        "L": f"{request_time:.6f}",
        "p": f"<{os.getpid()}>",
    }


def _now() -> str:
    """Local time as ``[10/Oct/2000:13:55:36 -0700]``, whatever the locale."""
    now = time.localtime()
    month = MONTHS[now.tm_mon - 1]
    return time.strftime(f"[%d/{month}/%Y:%H:%M:%S %z]", now)
