"""Clients that are not ours and speak HTTP/2, behind the signature of those in ``clients.py``.

Knows: how each is had to speak HTTP/2 and nothing else: by ALPN over TLS, by prior knowledge
without. An answer by another version fails.
Must not know: what is asked.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
from typing import TypeVar

import httpx

from tests.integration.clients import Client, ask_by_curl
from tests.integration.serving import Endpoint
from tests.peer import TIMEOUT, Answer

AnyClient = TypeVar("AnyClient", httpx.Client, httpx.AsyncClient)


def by_httpx(endpoint: Endpoint, method: str, target: str, body: bytes | None) -> Answer:
    """Ask by httpx, whose HTTP/2 is h2."""
    with open_httpx(endpoint, httpx.Client) as client:
        response = client.request(method, endpoint.url(target), content=body)
    assert response.http_version == "HTTP/2"
    return Answer(response.status_code, list(response.headers.multi_items()), response.content)


def open_httpx(endpoint: Endpoint, kind: type[AnyClient]) -> AnyClient:
    """Make a client of either kind, which keeps its connection."""
    # One of its own: httpx has it offer HTTP/2 to whoever is connected with it from then on.
    context = ssl.create_default_context(cafile=endpoint.authority)
    return kind(http1=False, http2=True, verify=context, timeout=TIMEOUT, trust_env=False)


def by_curl(endpoint: Endpoint, method: str, target: str, body: bytes | None) -> Answer:
    """Ask by curl, whose HTTP/2 is nghttp2."""
    version = "--http2" if endpoint.scheme == "https" else "--http2-prior-knowledge"
    return ask_by_curl(version, endpoint, method, target, body)


def by_nghttp(*arguments: str) -> str:
    """Run nghttp with a certificate unchecked, and return what it shows of the frames."""
    program = shutil.which("nghttp")
    assert program is not None
    done = subprocess.run(
        [program, "--no-verify-peer", "--verbose", "--timeout", str(int(TIMEOUT)), *arguments],
        capture_output=True,
        text=True,
        timeout=2 * TIMEOUT,
        check=True,
    )
    return done.stdout


def by_h2load(*arguments: str) -> str:
    """Run h2load and return its summary."""
    program = shutil.which("h2load")
    assert program is not None
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=2 * TIMEOUT, check=True
    )
    return done.stdout


def has_http2(program: str) -> bool:
    """Whether a program is installed that speaks HTTP/2: not every curl does."""
    path = shutil.which(program)
    if path is None:
        return False
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return "HTTP2" in done.stdout or "nghttp2" in done.stdout


HTTP2_PROGRAMS = [name for name in ("curl", "nghttp", "h2load") if has_http2(name)]
"""Those of this machine; without them there is nothing to test."""

HTTP2_CLIENTS: dict[str, Client] = {"httpx": by_httpx}
if "curl" in HTTP2_PROGRAMS:
    HTTP2_CLIENTS["curl"] = by_curl
