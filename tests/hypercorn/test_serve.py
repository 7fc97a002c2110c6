"""Serving in a loop that is running already, and with a worker in this process."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio
import uvloop

import hypercorn.asyncio
import hypercorn.trio
from hypercorn.asyncio.run import asyncio_worker, uvloop_worker
from hypercorn.config import Config, ConfigError, Sockets
from hypercorn.errors import BindError
from hypercorn.trio.run import trio_worker
from hypercorn.utils import LifespanFailureError, wrap_app
from tests.hypercorn.certificates import Files, write_certificate

LOOPS = ["asyncio", "uvloop", "trio"]
Client = Callable[[list[str]], None]


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = f"{scope['scheme']} {scope['root_path']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def failing(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"wsgi"]


def serve(loop: str, app: Any, config: Config, client: Client, **options: Any) -> None:
    """Serve on this loop while the client, in a thread, uses the addresses; then shut down."""
    if loop == "trio":
        trio.run(_serve_trio, app, config, client, options)
    elif loop == "uvloop":
        uvloop.run(_serve_asyncio(app, config, client, options))
    else:
        asyncio.run(_serve_asyncio(app, config, client, options))


async def _serve_asyncio(app: Any, config: Config, client: Client, options: Any) -> None:
    started: asyncio.Queue[list[str]] = asyncio.Queue()

    async def trigger() -> None:
        await asyncio.to_thread(client, await started.get())

    await hypercorn.asyncio.serve(
        app, config, shutdown_trigger=trigger, started=started.put_nowait, **options
    )


async def _serve_trio(app: Any, config: Config, client: Client, options: Any) -> None:
    finished = trio.Event()

    async def start(task_status: Any) -> None:
        await hypercorn.trio.serve(
            app, config, shutdown_trigger=finished.wait, task_status=task_status, **options
        )

    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(start)
        await trio.to_thread.run_sync(client, addresses)
        finished.set()


def get(address: str, context: ssl.SSLContext | None = None) -> str:
    url = urlsplit(address)
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        connection = http.client.HTTPSConnection(url.netloc, timeout=30, context=context)
    else:
        connection = http.client.HTTPConnection(url.netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().read().decode()


def alone(error: BaseException) -> BaseException:
    """The error of a group that a nursery of these tests has made."""
    return getattr(error, "exceptions", (error,))[0]


def local(**options: Any) -> Config:
    return Config.from_mapping({"bind": "127.0.0.1:0", "errorlog": None} | options)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("loop", LOOPS)
def test_serve(loop: str) -> None:
    answers: list[Any] = []
    config = local(root_path="/r", bind=["127.0.0.1:0", "127.0.0.1:0"])
    serve(loop, hello, config, lambda addresses: answers.extend(map(get, addresses)))
    assert answers == ["http /r"] * 2


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("mode", [None, "wsgi"])
def test_serve_wsgi(loop: str, mode: str | None) -> None:
    answers: list[Any] = []
    serve(loop, wsgi, local(), lambda found: answers.append(get(found[0])), mode=mode)
    assert answers == ["wsgi"]


@pytest.mark.parametrize("loop", LOOPS)
def test_serve_tls_and_clear(loop: str, files: Files) -> None:
    config = local(certfile=files.certfile, keyfile=files.keyfile, insecure_bind="127.0.0.1:0")
    context = ssl.create_default_context(cafile=files.ca_certs)
    answers: list[Any] = []
    serve(loop, hello, config, lambda found: answers.extend(get(a, context) for a in found))
    assert answers == ["https ", "http "]


@pytest.mark.parametrize("loop", LOOPS)
def test_serve_unix_socket(loop: str, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    answers: list[Any] = []

    def client(addresses: list[str]) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(str(path))
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answers.extend([addresses, sock.makefile("rb").read()[:15]])

    serve(loop, hello, local(bind=f"unix:{path}"), client)
    assert answers == [[f"http://unix:{path}"], b"HTTP/1.1 200 OK"]
    assert not path.exists()


@pytest.mark.parametrize("loop", LOOPS)
def test_application_that_fails_to_start(loop: str) -> None:
    with pytest.raises(Exception, match=r".*") as failed:
        serve(loop, failing, local(), lambda addresses: None)
    error = alone(failed.value)
    assert isinstance(error, LifespanFailureError)
    assert (error.stage, error.message) == ("startup", "no database")


@pytest.mark.parametrize("loop", LOOPS)
def test_configuration_that_cannot_be_served(loop: str) -> None:
    with pytest.raises(Exception, match=r".*") as refused:
        serve(loop, hello, local(bind="192.0.2.1:0"), lambda addresses: None)
    assert isinstance(alone(refused.value), BindError)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("options", [{"debug": True}, {"workers": 2}])
def test_options_without_effect_are_warned_of(loop: str, options: dict[str, Any]) -> None:
    with pytest.warns(Warning, match=f"`{next(iter(options))}` has no effect"):
        serve(loop, hello, local(**options), lambda addresses: None)


def test_no_warning_for_the_defaults() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        serve("asyncio", hello, local(), lambda addresses: None)


def test_access_log_of_a_request(capfd: pytest.CaptureFixture[str]) -> None:
    config = local(accesslog="-", access_log_format="%(m)s %(U)s %(s)s", errorlog="-")
    answers: list[str] = []
    serve("asyncio", hello, config, lambda addresses: answers.append(get(addresses[0])))
    said = capfd.readouterr()
    assert "GET / 200" in said.out
    assert "Running on http://127.0.0.1:" in said.err


# Workers in this process

WORKERS: dict[str, Callable[..., None]] = {
    "asyncio": asyncio_worker,
    "uvloop": uvloop_worker,
    "trio": trio_worker,
}


@pytest.mark.parametrize("loop", LOOPS)
def test_worker_with_sockets_and_an_event(loop: str, tmp_path: Path) -> None:
    """As runners outside of this project use it, without processes."""
    source = tmp_path / f"of_worker_{loop}.py"
    source.write_text("from tests.hypercorn.test_serve import hello")
    config = local(application_path=f"{source}:hello")
    sockets = config.create_sockets()
    address = "http://{}:{}".format(*sockets.insecure_sockets[0].getsockname())
    sockets.insecure_sockets[0].listen()
    event: Any = threading.Event()
    worker = threading.Thread(target=WORKERS[loop], args=(config, sockets, event))
    worker.start()
    assert get(address) == "http "
    event.set()
    worker.join(30)
    assert not worker.is_alive()


@pytest.mark.parametrize("module", [hypercorn.asyncio, hypercorn.trio])
def test_worker_serve_with_the_callers_sockets(module: Any) -> None:
    config = local()
    sockets = config.create_sockets()
    sock = sockets.insecure_sockets[0]
    sock.listen()
    address = "http://{}:{}".format(*sock.getsockname())
    answers: list[Any] = []

    async def to_thread(function: Callable[[], Any]) -> None:
        if module is hypercorn.trio:
            await trio.to_thread.run_sync(function)
        else:
            await asyncio.to_thread(function)

    async def trigger() -> None:
        await to_thread(lambda: answers.append(get(address)))

    async def main() -> None:
        app = wrap_app(hello, 1000, None)
        await module.run.worker_serve(app, config, sockets=sockets, shutdown_trigger=trigger)

    if module is hypercorn.trio:
        trio.run(main)
    else:
        asyncio.run(main())
    assert answers == ["http "]
    assert sock.fileno() == -1


def test_sockets_for_tls_need_a_context() -> None:
    config = local()
    sockets = Sockets(config.create_sockets().insecure_sockets, [])
    with pytest.raises(ConfigError, match="create_ssl_context"):
        asyncio.run(
            hypercorn.asyncio.run.worker_serve(wrap_app(hello, 1, None), config, sockets=sockets)
        )
    sockets.close()
