"""environ: every variable comes from the right part of the scope, in the right encoding."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from hypercorn_asgi.errors import InvalidPathError
from hypercorn_asgi.wrappers import _build_environ
from hypercorn_asgi.wsgi import FileWrapper, build_environ
from tests.asgi.driving import http_scope


def environ_of(**changes: Any) -> dict[str, Any]:
    return build_environ(http_scope(**changes), io.BytesIO())


def test_everything_that_pep_3333_requires() -> None:
    body = io.BytesIO(b"content")

    environ = build_environ(
        http_scope(
            method="POST",
            path="/a/b",
            raw_path=b"/a/b",
            query_string=b"c=%20d",
            scheme="https",
            headers=[
                (b"host", b"example.com"),
                (b"content-type", b"text/plain"),
                (b"content-length", b"7"),
                (b"x-Token", b"\xe9"),
            ],
        ),
        body,
    )

    assert environ == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a/b",
        "QUERY_STRING": "c=%20d",
        "REQUEST_URI": "/a/b?c=%20d",
        "RAW_URI": "/a/b?c=%20d",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "198.51.100.1",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "192.0.2.7",
        "REMOTE_PORT": "4711",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "7",
        "HTTP_HOST": "example.com",
        "HTTP_X_TOKEN": "é",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }


def test_one_process_can_say_so() -> None:
    environ = build_environ(http_scope(), io.BytesIO(), multiprocess=False)

    assert environ["wsgi.multiprocess"] is False


@pytest.mark.parametrize(
    ("root_path", "path", "script_name", "path_info"),
    [
        ("", "/", "", "/"),
        ("", "*", "", "*"),
        ("/app", "/app", "/app", ""),
        ("/app", "/app/", "/app", "/"),
        ("/app", "/app/x", "/app", "/x"),
        ("/app/", "/app/x", "/app", "/x"),
        ("/é", "/é/ü", "/Ã©", "/Ã¼"),
    ],
)
def test_path_is_divided_at_the_root_path(
    root_path: str, path: str, script_name: str, path_info: str
) -> None:
    environ = environ_of(root_path=root_path, path=path)

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script_name, path_info)


@pytest.mark.parametrize("path", ["/", "/ap", "/apple", "/b/app", "*"])
def test_path_outside_the_root_path(path: str) -> None:
    with pytest.raises(InvalidPathError):
        environ_of(root_path="/app", path=path)


@pytest.mark.parametrize(
    ("path", "raw_path", "path_info"),
    [
        ("/h\xe9", b"/h%C3%A9", "/h\xc3\xa9"),
        ("/%41", b"/%2541", "/%41"),
        ("/h\ufffd", b"/h%E9", "/h\xe9"),
        # A real U+FFFD, and one that middleware put there.
        ("/\ufffd", b"/%EF%BF%BD", "/\xef\xbf\xbd"),
        ("/new\ufffd", b"/old%E9", "/new\xef\xbf\xbd"),
        ("/i\udce9", b"/i%E9", "/i\xe9"),
    ],
)
def test_path_info_has_the_octets_of_the_request(
    path: str, raw_path: bytes, path_info: str
) -> None:
    assert environ_of(path=path, raw_path=raw_path)["PATH_INFO"] == path_info


def test_scope_with_optional_keys_left_out() -> None:
    scope: Any = http_scope()
    for key in ("raw_path", "root_path", "scheme", "client", "server", "state", "extensions"):
        del scope[key]

    environ = build_environ(scope, io.BytesIO())

    assert environ["wsgi.url_scheme"] == "http"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "80")
    assert environ["SCRIPT_NAME"] == ""
    assert not {"REMOTE_ADDR", "REMOTE_PORT", "REQUEST_URI", "RAW_URI"} & environ.keys()


def test_unix_socket() -> None:
    environ = environ_of(server=("/run/server.sock", None), client=None, scheme="https")

    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "443")
    assert "REMOTE_ADDR" not in environ


@pytest.mark.parametrize(
    ("http_version", "protocol"),
    [("1.0", "HTTP/1.0"), ("1.1", "HTTP/1.1"), ("2", "HTTP/2"), ("3", "HTTP/3")],
)
def test_server_protocol(http_version: str, protocol: str) -> None:
    assert environ_of(http_version=http_version)["SERVER_PROTOCOL"] == protocol


def test_repeated_fields_are_joined() -> None:
    environ = environ_of(
        headers=[
            (b"accept", b"text/html"),
            (b"cookie", b"a=1"),
            (b"Accept", b"*/*"),
            (b"cookie", b"b=2"),
        ]
    )

    assert environ["HTTP_ACCEPT"] == "text/html,*/*"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


@pytest.mark.parametrize("name", [b"x_forwarded_for", b"X_Forwarded-For", b"content_length"])
def test_underscore_cannot_pass_for_a_hyphen(name: bytes) -> None:
    environ = environ_of(headers=[(name, b"6.6.6.6"), (b"x-forwarded-for", b"192.0.2.1")])

    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
    assert "CONTENT_LENGTH" not in environ
    assert "HTTP_CONTENT_LENGTH" not in environ


def test_target_is_given_as_it_was_sent() -> None:
    environ = environ_of(path="/a b", raw_path=b"/a%20b", query_string=b"x=%2F")

    assert environ["REQUEST_URI"] == environ["RAW_URI"] == "/a%20b?x=%2F"


def test_environ_around_content_that_was_read() -> None:
    environ = _build_environ(http_scope(), b"content")

    assert environ["wsgi.input"].read() == b"content"
