"""Clients that are not ours, behind one signature.

Knows: how httpx, aiohttp, curl and the standard library make one request.
Must not know: what is asked.
"""

from __future__ import annotations

import asyncio
import http.client
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from tests.integration.serving import Endpoint
from tests.peer import TIMEOUT, Answer

Client = Callable[[Endpoint, str, str, "bytes | None"], Answer]
"""Takes an endpoint, a method, a target and content; returns the answer."""


def by_httpx(endpoint: Endpoint, method: str, target: str, body: bytes | None) -> Answer:
    """Ask by httpx."""
    verify = endpoint.context or True
    with httpx.Client(verify=verify, timeout=TIMEOUT, trust_env=False) as client:
        response = client.request(method, endpoint.url(target), content=body)
    return Answer(response.status_code, list(response.headers.multi_items()), response.content)


def by_aiohttp(endpoint: Endpoint, method: str, target: str, body: bytes | None) -> Answer:
    """Ask by aiohttp."""
    return asyncio.run(_ask_by_aiohttp(endpoint, method, target, body))


async def _ask_by_aiohttp(
    endpoint: Endpoint, method: str, target: str, body: bytes | None
) -> Answer:
    async with (
        aiohttp_session() as session,
        session.request(
            method, endpoint.url(target), data=body, ssl=endpoint.context or True
        ) as response,
    ):
        return Answer(response.status, list(response.headers.items()), await response.read())


@asynccontextmanager
async def aiohttp_session(**options: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session of aiohttp's, none of whose sockets outlives it.

    ``options`` are those of its connector."""
    opened: list[socket.socket] = []

    def open_socket(address: Any) -> socket.socket:
        opened.append(socket.socket(*address[:3]))
        return opened[-1]

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=open_socket, **options),
        timeout=aiohttp.ClientTimeout(TIMEOUT),
    ) as session:
        yield session
    # It closes in the background, which the end of the loop would interrupt.
    while any(sock.fileno() >= 0 for sock in opened):  # noqa: ASYNC110 (there is no event for it)
        await asyncio.sleep(0)


def by_standard_library(
    endpoint: Endpoint, method: str, target: str, body: bytes | None
) -> Answer:
    """Ask by http.client."""
    connection: http.client.HTTPConnection
    if endpoint.context is None:
        connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=TIMEOUT)
    else:
        connection = http.client.HTTPSConnection(
            endpoint.host, endpoint.port, timeout=TIMEOUT, context=endpoint.context
        )
    try:
        connection.request(method, target, body)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


def by_curl(endpoint: Endpoint, method: str, target: str, body: bytes | None) -> Answer:
    """Ask by curl."""
    return ask_by_curl("--http1.1", endpoint, method, target, body)


def ask_by_curl(
    version: str, endpoint: Endpoint, method: str, target: str, body: bytes | None
) -> Answer:
    """Ask by curl; ``version`` is the option that says by which version of HTTP."""
    options = [version, "--request", method] if method != "HEAD" else [version, "--head"]
    if body is not None:
        options += ["--data-binary", "@-", "--header", "Content-Type: application/octet-stream"]
    if endpoint.authority is not None:
        options += ["--cacert", endpoint.authority]
    with tempfile.TemporaryDirectory() as folder:
        heads = Path(folder) / "heads"
        content = curl("--dump-header", str(heads), *options, endpoint.url(target), stdin=body)
        sections = heads.read_bytes().decode("latin-1").split("\r\n\r\n")
    # Interim responses come before the final one, trailers after it, without a status line.
    head = [section for section in sections if section.startswith("HTTP/")][-1]
    status_line, *fields = head.split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (f.partition(":") for f in fields)]
    return Answer(int(status_line.split()[1]), headers, content if method != "HEAD" else b"")


def curl(*arguments: str, stdin: bytes | None = None) -> bytes:
    """Run curl, which must be installed, and return what it writes; fails if it does."""
    program = shutil.which("curl")
    if program is None:
        pytest.fail("these tests need curl: install the package of that name")
    common = [
        "--disable",
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        str(TIMEOUT),
    ]
    done = subprocess.run(
        [program, *common, *arguments], input=stdin or b"", capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


CLIENTS: dict[str, Client] = {
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
    "curl": by_curl,
    "http.client": by_standard_library,
}
