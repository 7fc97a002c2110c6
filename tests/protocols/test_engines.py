"""Which engine is used, and what happens without one: in processes that do not have it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hypercorn_protocols.http1 import available_engines, select_engine
from hypercorn_protocols.http1.head import HeadParser
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import ENGINES, GET, Wire

BLOCK = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from hypercorn_protocols import DefaultHeaders, HTTP1Connection, HTTP1Settings
from hypercorn_protocols.http1 import available_engines, select_engine
"""


def run_without(libraries: list[str], code: str) -> str:
    """What ``code`` prints in a process in which these libraries cannot be imported."""
    result = subprocess.run(
        [sys.executable, "-c", BLOCK + code, *libraries],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def test_h11_is_always_there() -> None:
    assert available_engines()[-1] == "h11"


def test_auto_is_the_fastest_that_is_there() -> None:
    assert select_engine("auto") is select_engine(available_engines()[0])


def test_auto_without_httptools_is_h11() -> None:
    code = """
assert available_engines() == ["h11"]
assert select_engine("auto") is select_engine("h11")
connection = HTTP1Connection(HTTP1Settings(), DefaultHeaders(), 0.0)
print(connection.receive_data(b"GET /x HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", 0.0)[0].target)
"""

    assert run_without(["httptools"], code) == "b'/x'"


def test_engine_whose_library_is_missing() -> None:
    code = """
try:
    HTTP1Connection(HTTP1Settings(engine="httptools"), DefaultHeaders(), 0.0)
except ImportError as error:
    print(error.name)
"""

    assert run_without(["httptools"], code) == "httptools"


def test_no_engine_at_all() -> None:
    code = """
assert available_engines() == []
try:
    HTTP1Connection(HTTP1Settings(), DefaultHeaders(), 0.0)
except ImportError as error:
    print(error)
"""

    assert "no HTTP/1.1 engine is installed" in run_without(["httptools", "h11"], code)


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match="'zttp': use auto, httptools, h11"):
        Wire("zttp")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"X: y\r\n",
        b"X:a\r\nX:\r\nX: \t \r\nY:\t a \t b \t\r\n",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding:chunked\t\r\n",
        b"Transfer-Encoding: Chunked\r\nX: \x80\xff\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
        b"!#$%&'*+-.^_`|~: \"(),/:;<=>?@[\\]{}\r\n",
        b"X: y\r\n" * 1_000,
    ],
)
def test_engines_split_alike(fields: bytes) -> None:
    head = b"PATCH /x HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n"
    parsers = [HeadParser(select_engine(name)) for name in ENGINES]
    found = [parser.parse(head, 1, 1_001, False)[0].headers for parser in parsers]

    assert all(pairs == found[0] for pairs in found)
    assert len(found[0]) == fields.count(b"\n") + 1
    assert all(name == name.lower() and value == value.strip() for name, value in found[0])


def test_engines_serve(engine: HTTP1EngineName) -> None:
    assert Wire(engine).request(GET).method == "GET"
