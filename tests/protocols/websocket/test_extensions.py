"""Sec-WebSocket-Extensions (RFC 6455 section 9.1)."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.headers import parse_extension

from hypercorn_protocols.websocket.extensions import (
    Extension,
    encode_extension,
    parse_extensions,
)
from tests.protocols.strategies import DETERMINISTIC

MALFORMED = {
    "not a token": b"a/b",
    "two tokens": b"a b",
    "no name": b"; a",
    "no parameter": b"a;",
    "no parameter between two": b"a;; b",
    "no parameter before another extension": b"a; , b",
    "no name of a parameter": b"a; =1",
    "no value": b"a; b=",
    "no value before another parameter": b"a; b=; c",
    "two values": b"a; b=1=2",
    "two values apart": b"a; b=1 2",
    "value behind a quoted one": b'a; b="1"2',
    "empty quoted value": b'a; b=""',
    "quoted value that is no token": b'a; b="1 2"',
    "quoted separator": b'a; b="1;2"',
    "quoted quote": b'a; b="1\\"2"',
    "quoted backslash": b'a; b="\\\\"',
    "quoted value that does not end": b'a; b="1',
    "quoted value that ends in a backslash": b'a; b="1\\',
    "single quotes around what is no token": b"a; b='1 2'",
    "value of an extension": b"a=1",
    "control character": b"a\x00",
    "line": b"a\r\n",
    "not ASCII": b"\xe4",
    "not ASCII in a value": b"a; b=\xe4",
    "not ASCII in a quoted value": b'a; b="\xe4"',
}

tokens = st.text("abcXYZ019-_.!#$%&'*+^`|~", min_size=1, max_size=8)
space = st.sampled_from([b"", b" ", b"\t", b"  \t"])
values = st.none() | tokens
extensions = st.builds(Extension, tokens, st.lists(st.tuples(tokens, values), max_size=4))


@pytest.mark.parametrize("value", [b"", b" \t", b",", b" , ,,"])
def test_empty(value: bytes) -> None:
    with pytest.raises(ValueError, match="empty list of extensions"):
        parse_extensions(value)


@pytest.mark.parametrize("what", MALFORMED)
@pytest.mark.parametrize("before", [b"", b"x, "])
def test_malformed(before: bytes, what: str) -> None:
    with pytest.raises(ValueError, match="not a list of extensions"):
        parse_extensions(before + MALFORMED[what])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"foo", [Extension("foo", [])]),
        # The examples of RFC 6455 section 9.1
        (b"deflate-stream", [Extension("deflate-stream", [])]),
        (
            b"mux; max-channels=4; flow-control, deflate-stream",
            [
                Extension("mux", [("max-channels", "4"), ("flow-control", None)]),
                Extension("deflate-stream", []),
            ],
        ),
        (b"private-extension", [Extension("private-extension", [])]),
        (b'a;b="c"', [Extension("a", [("b", "c")])]),
        (b'a;b="\\1\\2"', [Extension("a", [("b", "12")])]),
        (b" a ; b = 1 ; c ,\td ", [Extension("a", [("b", "1"), ("c", None)]), Extension("d", [])]),
        (b",, a,\t,b ,", [Extension("a", []), Extension("b", [])]),
        (b"a, a; b, a; b; b", [Extension("a", [("b", None)] * count) for count in range(3)]),
        (b"A; B=C", [Extension("A", [("B", "C")])]),
    ],
)
def test_well_formed(value: bytes, expected: list[Extension]) -> None:
    assert parse_extensions(value) == expected


@DETERMINISTIC
@given(st.lists(extensions, min_size=1, max_size=4))
def test_what_is_written_is_read(expected: list[Extension]) -> None:
    assert parse_extensions(b", ".join(map(encode_extension, expected))) == expected


@DETERMINISTIC
@given(st.lists(extensions, min_size=1, max_size=4), st.data())
def test_white_space_and_quotes_do_not_matter(
    expected: list[Extension], data: st.DataObject
) -> None:
    parts = []
    for extension in expected:
        written = re.split(rb"([;=])", encode_extension(extension).replace(b" ", b""))
        for at, part in enumerate(written):
            if at >= 2 and written[at - 1] == b"=" and data.draw(st.booleans()):
                part = b'"' + re.sub(rb"(.)", rb"\\\1", part) + b'"'
            parts += [data.draw(space), part, data.draw(space)]
        parts.append(b"," * data.draw(st.integers(1, 3)))
    assert parse_extensions(b"".join(parts)) == expected


@DETERMINISTIC
@given(st.text('ab1;;,,==" \t\\é', max_size=20))
def test_agrees_with_websockets(text: str) -> None:
    """But where an empty quoted value is concerned, which that takes for a token."""
    try:
        expected = [
            Extension(name, list(found)) for name, found in parse_extension(text.strip(" \t"))
        ]
    except Exception:
        expected = []
    try:
        found = parse_extensions(text.encode("latin-1"))
    except ValueError:
        found = []
    if '""' not in text:
        assert found == expected


@pytest.mark.parametrize(
    "value",
    [
        b"a" + b"; b" * 20_000,
        b"a, " * 20_000 + b"=",
        b" " * 60_000 + b"=",
        b"a" + b" " * 60_000 + b"=",
        b"a; b" + b" " * 60_000 + b"c",
        b'a; b="' + b"\\a" * 30_000,
        b"a" + b" ;" * 30_000,
        b"," * 60_000 + b"=",
        b"a; b=" + b"a" * 60_000 + b'"',
    ],
)
def test_takes_time_in_proportion(value: bytes) -> None:
    started = time.process_time()
    try:
        parse_extensions(value)
    except ValueError:
        pass
    assert time.process_time() - started < 1.0
