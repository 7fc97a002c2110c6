"""The types admit every real framework and refuse what is no application: mypy is asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import hypercorn_asgi
from hypercorn_asgi import typing as vocabulary

# A line that mypy must refuse says so.
SNIPPET = """
from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TYPE_CHECKING

from asgiref.typing import ASGI3Application
from asgiref.typing import ASGIReceiveCallable as RefReceive
from asgiref.typing import ASGISendCallable as RefSend
from asgiref.typing import Scope as RefScope
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from fastapi import FastAPI
from flask import Flask
from quart import Quart
from starlette.applications import Starlette
from starlette.types import ASGIApp

from hypercorn_asgi.detection import is_asgi
from hypercorn_asgi.middleware import (
    AsyncioWSGIMiddleware,
    DispatcherMiddleware,
    HTTPToHTTPSRedirectMiddleware,
    ProxyFixMiddleware,
    TrioWSGIMiddleware,
)
from hypercorn_asgi.typing import (
    AppWrapper,
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    Framework,
    HTTPResponseStartEvent,
    Scope,
    WSGIFramework,
)
from hypercorn_asgi.wrappers import ASGIWrapper, WSGIWrapper, wrap_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def serve(app: Framework) -> None: ...


async def typed_by_us(
    scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    if scope["type"] == "http":
        print(scope["method"], scope["raw_path"])
        start: HTTPResponseStartEvent = {"type": "http.response.start", "status": 200}
        await send(start)
        await send({"type": "http.response.body", "body": b"x"})
        await send({"type": "http.response.body", "body": "text"})  # refused
    if scope["type"] == "websocket":
        print(scope["subprotocols"])
        print(scope["method"])  # refused


async def typed_by_asgiref(scope: RefScope, receive: RefReceive, send: RefSend) -> None: ...


async def typed_as_dict(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None: ...


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return []


class TypedMiddleware:
    def __init__(self, app: ASGIFramework) -> None:
        self.app = app

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await self.app(scope, receive, send)


serve(Starlette())
serve(FastAPI())
serve(Quart("x"))
serve(Quart("x").asgi_app)
serve(Flask("x"))
serve(Flask("x").wsgi_app)
serve(get_asgi_application())
serve(get_wsgi_application())
serve(typed_by_us)
serve(typed_by_asgiref)
serve(typed_as_dict)
serve(wsgi)
serve(TypedMiddleware(Starlette()))
serve(TypedMiddleware(FastAPI()))
serve(TypedMiddleware(Quart("x")))
serve(TypedMiddleware(typed_by_asgiref))
serve(ProxyFixMiddleware(Starlette(), mode="modern", trusted_hops=2))
serve(HTTPToHTTPSRedirectMiddleware(Quart("x"), "example.com"))
serve(DispatcherMiddleware({"/a": FastAPI(), "/b": AsyncioWSGIMiddleware(Flask("x"))}))
serve(TrioWSGIMiddleware(get_wsgi_application(), max_body_size=10))


def aliases(a: ASGI3Application, b: ASGIApp, c: WSGIApplication) -> AppWrapper:
    serve(a)
    serve(b)
    serve(c)
    ASGIWrapper(b)
    WSGIWrapper(c, 10)
    return wrap_app(a, 10, None)


serve(1)  # refused
serve("module:app")  # refused
serve(lambda scope: None)  # refused
serve(lambda: None)  # refused
wrap_app(wsgi, 10, "cgi")  # refused
TypedMiddleware(wsgi)  # refused
WSGIWrapper(Starlette(), 10)  # refused
"""


@pytest.fixture
def mypy(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Path], list[str]]:
    """Run mypy --strict as a user of these packages would."""
    # Quart is typed with hypercorn's names for this package's types.
    stand_in = tmp_path / "stand_in" / "hypercorn"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    (stand_in / "typing.py").write_text("from hypercorn_asgi.typing import *")
    sources = Path(hypercorn_asgi.__path__[0]).parent
    environment = {**os.environ, "MYPYPATH": os.pathsep.join([str(sources), str(stand_in.parent)])}

    def run(path: Path) -> list[str]:
        command = [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--no-error-summary",
        ]
        kept = getattr(request.config, "cache", None)  # a warm cache is ten times as fast
        cache = kept.mkdir("mypy") if kept else tmp_path
        done = subprocess.run(
            [*command, f"--cache-dir={cache}", path.name],
            capture_output=True,
            text=True,
            check=False,
            cwd=path.parent,
            env=environment,
        )
        assert done.returncode in (0, 1), done.stderr
        return done.stdout.splitlines()

    return run


def test_real_frameworks_are_admitted_and_nothing_else(
    mypy: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPET)
    expected = [
        number for number, line in enumerate(SNIPPET.splitlines(), 1) if "# refused" in line
    ]

    output = mypy(path)

    errors = [line for line in output if ": error: " in line]
    found = [int(re.sub(r"snippet\.py:(\d+): .*", r"\1", line)) for line in errors]
    assert sorted(set(found)) == expected, "\n".join(output)


@pytest.mark.parametrize(
    "name", [name for name in vocabulary.__all__ if isinstance(getattr(vocabulary, name), type)]
)
def test_hints_can_be_read_at_run_time(name: str) -> None:
    cls = getattr(vocabulary, name)

    hints = get_type_hints(cls)

    assert set(hints) == set(getattr(cls, "__annotations__", {}))


def test_every_message_is_in_one_union() -> None:
    received, sent = get_args(vocabulary.ASGIReceiveEvent), get_args(vocabulary.ASGISendEvent)
    names = {name for name in vocabulary.__all__ if re.fullmatch(r"(?!ASGI).*Event", name)}

    assert {event.__name__ for event in (*received, *sent)} == names
    assert not set(received) & set(sent)


def test_message_types_are_unique() -> None:
    events: list[Any] = [
        *get_args(vocabulary.ASGIReceiveEvent),
        *get_args(vocabulary.ASGISendEvent),
    ]
    types = [get_args(get_type_hints(event)["type"])[0] for event in events]

    assert len(types) == len(set(types)) == len(events)
