"""WSGI applications, real frameworks among them, served through ASGI messages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from wsgiref.validate import validator

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test.utils import override_settings
from django.urls import path
from flask import Flask, Response, request

from hypercorn_asgi.errors import BodyTooLargeError, ClientDisconnected
from hypercorn_asgi.wrappers import WSGIWrapper
from tests.asgi.driving import Client, http_scope, request_messages, run_wrapper, run_wsgi

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def post_scope(content_type: str = "application/octet-stream", **changes: Any) -> Any:
    headers = [
        (b"host", b"example.com"),
        (b"content-type", content_type.encode()),
        *changes.pop("headers", [(b"transfer-encoding", b"chunked")]),
    ]
    return http_scope(method="POST", headers=headers, **changes)


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    while data := environ["wsgi.input"].read(4):
        yield data


def test_echo_streams_both_ways() -> None:
    client = run_wsgi(echo, post_scope(), request_messages(b"12345", b"678"))

    assert [message["body"] for message in client.sent[1:]] == [b"1234", b"5678", b""]


@pytest.mark.filterwarnings("ignore::wsgiref.validate.WSGIWarning")
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
def test_the_reference_validator_has_no_complaint(method: str) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        stream = environ["wsgi.input"]
        lines = [stream.readline(), *stream.readlines(3), stream.read(2), *stream]
        environ["wsgi.errors"].write("")
        environ["wsgi.errors"].flush()
        content = b"".join(lines) if method != "HEAD" else b""
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))]
        start_response("200 OK", headers)
        return [content] if content else []

    scope = http_scope(method=method, headers=[(b"host", b"a"), (b"content-length", b"17")])
    client = run_wsgi(validator(app), scope, request_messages(b"a\nb\ncd", b"ef\ngh\n1234"))

    assert client.status == 200
    assert client.body == (b"" if method == "HEAD" else b"a\nb\ncdef\ngh\n1234")


class TestContentLimit:
    def test_declared_content_past_the_limit_is_refused_unseen(self) -> None:
        def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            raise AssertionError("was called")

        scope = post_scope(headers=[(b"content-length", b"11")])
        client = run_wsgi(app, scope, max_body_size=10)

        assert (client.status, client.body) == (413, b"")

    @pytest.mark.parametrize("length", [b"10", b"many"])
    def test_other_declarations_pass(self, length: bytes) -> None:
        scope = post_scope(headers=[(b"content-length", length)])

        assert run_wsgi(echo, scope, request_messages(b"0123456789"), max_body_size=10).status

    def test_streamed_content_past_the_limit(self) -> None:
        def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            content = environ["wsgi.input"].read()
            raise AssertionError(content)

        client = run_wsgi(
            app, post_scope(), request_messages(b"123456", b"78901"), max_body_size=10
        )

        assert (client.status, client.body) == (413, b"")

    def test_an_error_page_of_the_applications_does_not_hide_it(self) -> None:
        closed = []

        class Page(list[bytes]):
            def close(self) -> None:
                closed.append(True)

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            try:
                environ["wsgi.input"].read()
            except OSError:
                start_response("500 Internal Server Error", [])
            return Page([b"sorry"])

        client = run_wsgi(app, post_scope(), request_messages(b"12345678901"), max_body_size=10)

        assert (client.status, client.body) == (413, b"")
        assert closed == [True]

    def test_too_late_for_an_answer(self) -> None:
        client = Client(request_messages(b"12345678", b"901"))

        with pytest.raises(BodyTooLargeError, match="longer than 10 bytes"):
            run_wrapper(WSGIWrapper(echo, 10), post_scope(), client)

        assert client.status == 200
        assert [message["body"] for message in client.sent[1:]] == [b"1234", b"5678"]


class TestErrors:
    def test_before_anything_was_sent(self) -> None:
        def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            raise KeyError("lost")

        with pytest.raises(KeyError, match="lost"):
            run_wsgi(app)

    def test_stop_iteration_does_not_hang_the_request(self) -> None:
        def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            raise StopIteration

        with pytest.raises(RuntimeError, match="StopIteration"):
            run_wsgi(app)

    def test_client_that_leaves_while_content_is_read(self) -> None:
        seen = []

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            try:
                environ["wsgi.input"].read()
            except OSError as error:
                seen.append(type(error))
                raise
            return []

        with pytest.raises(ClientDisconnected):
            run_wsgi(app, post_scope(), request_messages(b"part")[:1])
        assert seen == [ClientDisconnected]

    def test_client_that_leaves_while_content_is_written(self) -> None:
        seen: list[object] = []

        class Result:
            def __iter__(self) -> Iterator[bytes]:
                yield b"two"

            def close(self) -> None:
                seen.append("closed")

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
            write = start_response("200 OK", [])
            write(b"one")
            try:
                write(b"one and a half")
            except OSError as error:
                seen.append(type(error))
            return Result()

        with pytest.raises(ClientDisconnected):
            run_wsgi(app, patience=2)
        assert seen == [ClientDisconnected, "closed"]


def flask_app() -> Flask:
    app = Flask("test")

    @app.get("/hello/<name>")
    def hello(name: str) -> str:
        return f"hello {name} from {request.remote_addr}"

    @app.post("/form")
    def form() -> dict[str, Any]:
        return {"form": request.form, "args": request.args, "cookies": request.cookies}

    @app.post("/upload")
    def upload() -> str:
        return hashlib.sha256(request.get_data(cache=False)).hexdigest()

    @app.get("/stream")
    def stream() -> Response:
        return Response((f"{number} " for number in range(3)), mimetype="text/plain")

    return app


class TestFlask:
    def test_page(self) -> None:
        client = run_wsgi(flask_app(), http_scope(path="/hello/Zoë"))

        assert client.status == 200
        assert client.body.decode() == "hello Zoë from 192.0.2.7"
        assert len(client.sent) == 2  # one write: Content-Length tells that it is the last

    def test_head(self) -> None:
        client = run_wsgi(flask_app(), http_scope(method="HEAD", path="/hello/me"))

        assert dict(client.headers)[b"content-length"] == b"23"
        assert client.body == b""

    def test_not_found(self) -> None:
        assert run_wsgi(flask_app(), http_scope(path="/nowhere")).status == 404

    def test_form(self) -> None:
        scope = post_scope(
            "application/x-www-form-urlencoded",
            path="/app/form",
            root_path="/app",
            query_string=b"q=%C3%A9",
            headers=[(b"content-length", b"11"), (b"cookie", b"a=1"), (b"cookie", b"b=2")],
        )
        client = run_wsgi(flask_app(), scope, request_messages(b"name=", b"%C3%BC"))

        assert client.status == 200
        assert b'"cookies":{"a":"1","b":"2"}' in client.body
        assert b'"form":{"name":"\\u00fc"}' in client.body
        assert b'"args":{"q":"\\u00e9"}' in client.body

    def test_chunked_upload(self) -> None:
        parts = [bytes([number]) * 10_000 for number in range(50)]
        client = run_wsgi(flask_app(), post_scope(path="/upload"), request_messages(*parts))

        assert client.body.decode() == hashlib.sha256(b"".join(parts)).hexdigest()

    def test_upload_past_the_limit(self, caplog: pytest.LogCaptureFixture) -> None:
        client = run_wsgi(
            flask_app(),
            post_scope(path="/upload"),
            request_messages(b"x" * 600, b"x" * 600),
            max_body_size=1000,
        )

        assert client.status == 413

    def test_stream(self) -> None:
        client = run_wsgi(flask_app(), http_scope(path="/stream"))

        assert [message["body"] for message in client.sent[1:]] == [b"0 ", b"1 ", b"2 ", b""]


class DjangoURLs:
    """What a ROOT_URLCONF module has."""

    def __init__(self, file: Path) -> None:
        self.urlpatterns = [
            path("hello/<str:name>", lambda request, name: HttpResponse(f"hello {name}")),
            path("upload", lambda request: HttpResponse(request.body.upper())),
            path("stream", lambda request: StreamingHttpResponse(iter([b"a", b"b"]))),
            path("file", lambda request: FileResponse(file.open("rb"))),
        ]


@pytest.fixture
def django_app(tmp_path: Path) -> Iterator[WSGIHandler]:
    if not settings.configured:
        settings.configure()
    file = tmp_path / "file.txt"
    file.write_bytes(b"x" * 70_000)
    with override_settings(ROOT_URLCONF=DjangoURLs(file), ALLOWED_HOSTS=["*"], MIDDLEWARE=[]):
        yield WSGIHandler()


class TestDjango:
    def test_page(self, django_app: WSGIHandler) -> None:
        client = run_wsgi(django_app, http_scope(path="/hello/Zoë"))

        assert client.status == 200
        assert client.body.decode() == "hello Zoë"

    def test_upload(self, django_app: WSGIHandler) -> None:
        scope = post_scope(path="/upload", headers=[(b"content-length", b"6")])
        client = run_wsgi(django_app, scope, request_messages(b"abc", b"def"))

        assert client.body == b"ABCDEF"

    def test_stream(self, django_app: WSGIHandler) -> None:
        client = run_wsgi(django_app, http_scope(path="/stream"))

        assert [message["body"] for message in client.sent[1:]] == [b"a", b"b", b""]

    def test_file_goes_through_the_file_wrapper(self, django_app: WSGIHandler) -> None:
        client = run_wsgi(django_app, http_scope(path="/file"))

        assert dict(client.headers)[b"content-length"] == b"70000"
        assert [len(message["body"]) for message in client.sent[1:]] == [65_536, 4_464]

    def test_not_found(self, django_app: WSGIHandler) -> None:
        assert run_wsgi(django_app, http_scope(path="/nowhere")).status == 404
