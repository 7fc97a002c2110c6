"""The ``environ`` dictionary of PEP 3333, made from an ASGI HTTP scope.

Knows: which variable comes from which part of the scope, and in what encoding. All strings
are "bytes as str": their code points are the octets of the request (PEP 3333, "Unicode
Issues").
Must not know: where ``wsgi.input`` gets its data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from hypercorn_asgi.errors import InvalidPathError
from hypercorn_asgi.typing import HTTPScope

from .files import FileWrapper

__all__ = ["build_environ"]

_DEFAULT_PORTS = {"http": "80", "https": "443"}

# RFC 3875 gives these two variables of their own.
_UNPREFIXED = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


def build_environ(
    scope: HTTPScope, body: BinaryIO, *, multiprocess: bool = True
) -> dict[str, Any]:
    """Build the environment in which an application answers the request of *scope*.

    *body* becomes ``wsgi.input``; *multiprocess* says whether other processes run the same
    application. Raises :class:`~hypercorn_asgi.errors.InvalidPathError` if the path is
    outside ``root_path``: the client's fault.
    """
    script_name, path_info = _split_path(scope)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
    }
    environ.update(_targets(scope))
    environ.update(_addresses(scope))
    environ.update(_header_variables(scope["headers"]))
    environ.update(
        {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope.get("scheme", "http"),
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": multiprocess,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
        }
    )
    return environ


def _split_path(scope: HTTPScope) -> tuple[str, str]:
    """Return ``SCRIPT_NAME`` and ``PATH_INFO``."""
    root_path = scope.get("root_path", "").rstrip("/")
    root = root_path.encode("utf-8", "surrogateescape")
    path = _path_octets(scope)
    # A boundary of segments, so that /apifoo is not inside /api.
    if root and path != root and not path.startswith(root + b"/"):
        raise InvalidPathError(f"{scope['path']!r} is not below {root_path!r}")
    return root.decode("latin-1"), path[len(root) :].decode("latin-1")


def _path_octets(scope: HTTPScope) -> bytes:
    """Return the path as it was before it was decoded as UTF-8.

    Octets that are no UTF-8 survive only in ``raw_path``, which counts as long as it says
    the same as ``path`` (which middleware may have rewritten).
    """
    path = scope["path"]
    if "\ufffd" in path:
        octets = unquote_to_bytes(scope.get("raw_path") or b"")
        if octets.decode("utf-8", "replace") == path:
            return octets
    return path.encode("utf-8", "surrogateescape")


def _targets(scope: HTTPScope) -> dict[str, str]:
    """The request target as it was sent, under the two names that applications look for."""
    raw_path = scope.get("raw_path")
    if not raw_path:  # optional in ASGI
        return {}
    query = scope["query_string"]
    target = (raw_path + b"?" + query if query else raw_path).decode("latin-1")
    return {"REQUEST_URI": target, "RAW_URI": target}


def _addresses(scope: HTTPScope) -> dict[str, str]:
    # "SERVER_NAME and SERVER_PORT can never be empty strings" (PEP 3333), not even on a Unix
    # socket, whose path is no name of a host and which has no port.
    host, port = scope.get("server") or ("localhost", None)
    if port is None:
        host = "localhost"
    scheme = scope.get("scheme", "http")
    variables = {
        "SERVER_NAME": host,
        "SERVER_PORT": _DEFAULT_PORTS.get(scheme, "80") if port is None else str(port),
    }
    client = scope.get("client")
    if client is not None:
        variables["REMOTE_ADDR"] = client[0]
        variables["REMOTE_PORT"] = str(client[1])
    return variables


def _header_variables(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for raw_name, raw_value in headers:
        # Hyphen and underscore are the same in a variable's name: X_Forwarded_For would pass
        # for the X-Forwarded-For that a proxy guards.
        if b"_" in raw_name:
            continue
        name = _variable_name(raw_name.lower())
        value = raw_value.decode("latin-1")
        if name in variables:
            value = _join(name, variables[name], value)
        variables[name] = value
    return variables


def _variable_name(name: bytes) -> str:
    special = _UNPREFIXED.get(name)
    if special is not None:
        return special
    return "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


def _join(name: str, first: str, second: str) -> str:
    # RFC 9113 section 8.2.3: a cookie that came in several fields is joined by "; ".
    separator = "; " if name == "HTTP_COOKIE" else ","
    return f"{first}{separator}{second}"
