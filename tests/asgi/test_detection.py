"""is_asgi: applications in every shape that people write them in."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from asgiref.wsgi import WsgiToAsgi
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.gzip import GZipMiddleware

import hypercorn_asgi
from hypercorn_asgi.detection import is_asgi


async def coroutine_app(scope: Any, receive: Any, send: Any) -> None:
    pass


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    return []


def awaitable_app(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
    return coroutine_app(scope, receive, send)


async def configured_app(config: Any, scope: Any, receive: Any, send: Any) -> None:
    pass


def configured_awaitable_app(config: Any, scope: Any, receive: Any, send: Any) -> Any:
    return coroutine_app(scope, receive, send)


def configured_wsgi_app(config: Any, environ: Any, start_response: Any) -> list[bytes]:
    return []


class AsyncCallable:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        pass

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        pass

    @staticmethod
    async def static(scope: Any, receive: Any, send: Any) -> None:
        pass

    @classmethod
    async def of_class(cls, scope: Any, receive: Any, send: Any) -> None:
        pass

    def wsgi(self, environ: Any, start_response: Any) -> list[bytes]:
        return []


class PlainCallable:
    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        return coroutine_app(scope, receive, send)


class WSGICallable:
    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        return []


class AwaitableInstances:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        pass

    def __await__(self) -> Generator[Any, None, None]:
        yield


class IterableInstances:
    """PEP 3333's application class; the third argument makes it hard."""

    def __init__(self, environ: Any, start_response: Any, more: Any = None) -> None:
        pass

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


def decorated(app: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(app)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return app(*args, **kwargs)

    return wrapper


def opaque(*args: Any, **kwargs: Any) -> Any:
    return None


ASGI = {
    "coroutine function": coroutine_app,
    "function that returns an awaitable": awaitable_app,
    "lambda": lambda scope, receive, send: None,
    "partial": functools.partial(configured_app, {}),
    "partial of a partial": functools.partial(functools.partial(configured_app), {}),
    "partial of a plain function": functools.partial(configured_awaitable_app, {}),
    "decorated": decorated(coroutine_app),
    "decorated instance": decorated(AsyncCallable()),
    "instance": AsyncCallable(),
    "plain instance": PlainCallable(),
    "bound method": AsyncCallable().asgi,
    "static method": AsyncCallable.static,
    "class method": AsyncCallable.of_class,
    "class of awaitables": AwaitableInstances,
    "class of coroutine callables": AsyncCallable,
    "Starlette": Starlette(),
    "Starlette endpoint": HTTPEndpoint,
    "Starlette middleware": GZipMiddleware(Starlette()),
    "FastAPI": FastAPI(),
    "Django": ASGIHandler.__new__(ASGIHandler),
    "Flask through asgiref": cast(Any, WsgiToAsgi)(Flask("test")),
}

WSGI = {
    "function": wsgi_app,
    "lambda": lambda environ, start_response: [],
    "partial": functools.partial(configured_wsgi_app, {}),
    "decorated": decorated(wsgi_app),
    "instance": WSGICallable(),
    "bound method": AsyncCallable().wsgi,
    "class of iterables": IterableInstances,
    "no parameter is told": opaque,
    "builtin class": dict,
    "builtin function": min,
    "Flask": Flask("test"),
    "Flask method": Flask("test").wsgi_app,
    "Django": WSGIHandler.__new__(WSGIHandler),
    "not callable": object(),
    "nothing": None,
}


@pytest.mark.parametrize("kind", ASGI)
def test_asgi(kind: str) -> None:
    assert is_asgi(ASGI[kind]) is True


@pytest.mark.parametrize("kind", WSGI)
def test_wsgi(kind: str) -> None:
    assert is_asgi(WSGI[kind]) is False


# Quart imports hypercorn, which this package must not need: what it imports stands in for it.
STAND_IN = {
    "__init__.py": "",
    "asyncio.py": "serve = None",
    "config.py": "class Config: pass",
    "typing.py": "from hypercorn_asgi.typing import *",
}


def test_quart(tmp_path: Path) -> None:
    package = tmp_path / "hypercorn"
    package.mkdir()
    for name, text in STAND_IN.items():
        (package / name).write_text(text)
    sources = str(Path(hypercorn_asgi.__path__[0]).parent)
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {sources!r}]\n"
        "from quart import Quart\n"
        "from hypercorn_asgi.detection import is_asgi\n"
        "app = Quart('test')\n"
        "print(is_asgi(app), is_asgi(app.asgi_app))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.returncode) == ("True True\n", 0), done.stderr
