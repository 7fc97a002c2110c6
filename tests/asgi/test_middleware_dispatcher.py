"""Applications below paths of their own: requests, handshakes and lifespans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import trio

from hypercorn_asgi.middleware import (
    AsyncioDispatcherMiddleware,
    DispatcherMiddleware,
    TrioDispatcherMiddleware,
)
from hypercorn_asgi.middleware.dispatcher import _DispatcherMiddleware
from tests.asgi.driving import Client, http_scope, lifespan_scope, run_asgi, websocket_scope


class Named:
    """An application that says who it is and what it was given."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"name": self.name, "root_path": scope["root_path"], "path": scope["path"]})


def dispatched(scope: Any, *mounts: str) -> Any:
    dispatcher = DispatcherMiddleware({mount: Named(mount) for mount in mounts})
    (message,) = run_asgi(dispatcher, scope).sent
    return message["name"], message["root_path"], message["path"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/x"])
def test_application_below_the_path(path: str) -> None:
    assert dispatched(http_scope(path=path), "/app", "/api") == ("/api", "/api", path)
    assert dispatched(websocket_scope(path=path), "/app", "/api") == ("/api", "/api", path)


def test_first_mount_wins() -> None:
    scope = http_scope(path="/api/v1/x")

    assert dispatched(scope, "/api", "/api/v1")[0] == "/api"
    assert dispatched(scope, "/api/v1", "/api")[0] == "/api/v1"


def test_segments_are_whole() -> None:
    assert dispatched(http_scope(path="/apifoo"), "/api", "/")[0] == "/"


@pytest.mark.parametrize("mount", ["", "/"])
def test_mount_at_the_root(mount: str) -> None:
    assert dispatched(http_scope(path="/x"), mount) == (mount, "", "/x")


def test_mount_with_a_slash_at_the_end() -> None:
    assert dispatched(http_scope(path="/api/x"), "/api/") == ("/api/", "/api", "/api/x")


@pytest.mark.parametrize("path", ["/sub/api/x", "/api/x"])
def test_below_a_root_path(path: str) -> None:
    scope = http_scope(root_path="/sub", path=path)

    assert dispatched(scope, "/api") == ("/api", "/sub/api", path)


def test_dispatchers_nest() -> None:
    inner = DispatcherMiddleware({"/b": Named("b")})
    outer = DispatcherMiddleware({"/a": inner})

    (message,) = run_asgi(outer, http_scope(path="/a/b/c")).sent

    assert message == {"name": "b", "root_path": "/a/b", "path": "/a/b/c"}


def test_scope_is_not_changed() -> None:
    scope = http_scope(path="/api/x")

    dispatched(scope, "/api")

    assert scope["root_path"] == ""


def test_request_for_nobody() -> None:
    client = run_asgi(DispatcherMiddleware({"/api": Named("api")}), http_scope(path="/apifoo"))

    assert client.status == 404
    assert client.headers == [(b"content-length", b"0")]
    assert client.body == b""


def test_handshake_for_nobody() -> None:
    dispatcher = DispatcherMiddleware({"/api": Named("api")})
    denial: dict[str, Any] = {"websocket.http.response": {}}

    assert run_asgi(dispatcher, websocket_scope()).sent == [{"type": "websocket.close"}]
    client = run_asgi(dispatcher, websocket_scope(extensions=denial))
    assert client.sent == [
        {
            "type": "websocket.http.response.start",
            "status": 404,
            "headers": [(b"content-length", b"0")],
        },
        {"type": "websocket.http.response.body", "body": b"", "more_body": False},
    ]


def test_default_is_asyncio() -> None:
    assert DispatcherMiddleware is AsyncioDispatcherMiddleware
    assert DispatcherMiddleware({}).mounts == {}


def test_base_knows_no_event_loop() -> None:
    with pytest.raises(NotImplementedError):
        run_asgi(_DispatcherMiddleware({}), lifespan_scope())


# Lifespans


class Lifespan:
    """An application whose lifespan follows a script and leaves a trace."""

    def __init__(self, startup: str = "complete", shutdown: str = "complete") -> None:
        self.trace: list[str] = []
        self._outcomes = {"startup": startup, "shutdown": shutdown}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for stage, outcome in self._outcomes.items():
            message = await receive()
            assert message == {"type": f"lifespan.{stage}"}
            self.trace.append(stage)
            scope["state"].setdefault("stages", []).append(stage)
            if outcome == "raise":
                raise KeyError(stage)
            await send({"type": f"lifespan.{stage}.{outcome}"})
            if outcome == "failed" and stage == "startup":
                return
        try:
            await receive()  # some applications never stop listening
        finally:
            self.trace.append("cancelled")


async def returns_at_once(scope: Any, receive: Any, send: Any) -> None:
    pass


async def raises(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("no lifespan here")


async def speaks_of_something_else(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await send({"type": "http.response.start"})


async def fails_with_a_message(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
    raise RuntimeError("as Starlette does")


class Server(Client):
    """Gives the shutdown only after the startup was answered, as servers do."""

    def __init__(self) -> None:
        super().__init__([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        self.scope = lifespan_scope()

    async def receive(self) -> Any:
        if len(self.unread) == 1:
            assert self.types == ["lifespan.startup.complete"]
        return await super().receive()

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]


def on_asyncio(mounts: dict[str, Any], server: Server) -> None:
    async def main() -> None:
        await AsyncioDispatcherMiddleware(mounts)(server.scope, *server.asgi)

    asyncio.run(main())


def on_trio(mounts: dict[str, Any], server: Server) -> None:
    trio.run(TrioDispatcherMiddleware(mounts), server.scope, *server.asgi)


Run = Callable[[dict[str, Any], Server], None]
BOTH = pytest.mark.parametrize("run", [on_asyncio, on_trio])


@BOTH
def test_lifespan_is_complete_when_all_are(run: Run) -> None:
    one, two, server = Lifespan(), Lifespan(), Server()

    run({"/1": one, "/2": two}, server)

    assert server.types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert one.trace == two.trace == ["startup", "shutdown", "cancelled"]
    assert server.scope["state"] == {"stages": ["startup"] * 2 + ["shutdown"] * 2}


@BOTH
def test_no_mounts(run: Run) -> None:
    server = Server()

    run({}, server)

    assert server.types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@BOTH
def test_startup_fails_when_one_does_and_the_others_stop(run: Run) -> None:
    good, server = Lifespan(), Server()

    run({"/1": good, "/2": fails_with_a_message, "/3": Lifespan(startup="failed")}, server)

    assert server.sent == [{"type": "lifespan.startup.failed", "message": "no database; "}]
    assert good.trace == ["startup", "shutdown", "cancelled"]


@BOTH
def test_shutdown_fails_when_one_does(run: Run) -> None:
    server = Server()

    run({"/1": Lifespan(shutdown="failed"), "/2": Lifespan()}, server)

    assert server.types == ["lifespan.startup.complete", "lifespan.shutdown.failed"]


@BOTH
def test_error_in_the_shutdown_is_a_failed_shutdown(run: Run) -> None:
    server = Server()

    run({"/1": Lifespan(shutdown="raise")}, server)

    assert server.types == ["lifespan.startup.complete", "lifespan.shutdown.failed"]
    assert server.sent[1]["message"] == "KeyError('shutdown')"


@BOTH
def test_error_between_the_stages_is_a_failed_shutdown(run: Run) -> None:
    server = Server()

    run({"/1": speaks_of_something_else}, server)

    assert server.types == ["lifespan.startup.complete", "lifespan.shutdown.failed"]
    assert "http.response.start does not belong to a lifespan" in server.sent[1]["message"]


@BOTH
def test_application_without_lifespan_does_not_keep_the_others_from_theirs(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    good, server = Lifespan(), Server()

    run({"/1": raises, "/2": returns_at_once, "/3": good}, server)

    assert server.types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert good.trace == ["startup", "shutdown", "cancelled"]
    assert "'/1' raised ValueError('no lifespan here')" in caplog.text


@BOTH
def test_no_application_with_lifespan(run: Run) -> None:
    server = Server()

    with pytest.raises(ValueError, match="no lifespan here"):
        run({"/1": raises, "/2": raises}, server)
    assert server.types == []


@BOTH
def test_error_of_the_server_comes_out_alone_and_everything_ends(run: Run) -> None:
    class Refusing(Server):
        async def send(self, message: Any) -> None:
            raise ConnectionError("the server gave up")

    app = Lifespan()

    with pytest.raises(ConnectionError, match="gave up"):
        run({"/1": app}, Refusing())
    assert app.trace == ["startup"]
