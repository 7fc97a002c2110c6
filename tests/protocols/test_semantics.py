"""What every version of HTTP shares: authorities and lengths."""

from __future__ import annotations

import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.semantics import check_length, is_authority, is_content_length


@pytest.mark.parametrize(
    "value",
    [
        b"example.com",
        b"example.com:",
        b"a_b.c~d!:0",
        b"%7Ex",
        b"192.0.2.1:65535",
        b"[2001:db8::1]",
        b"[::ffff:192.0.2.1]:8000",
        b"[v7.a:b]:80",
    ],
)
def test_authorities(value: bytes) -> None:
    assert is_authority(value)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b":80",
        b"a:65536",
        b"a:80:80",
        b"a:b",
        b"user@a",
        b"a b",
        b"a/b",
        b"a,b",
        b"%7",
        b"[]",
        b"[::1",
        b"[1:2:3]",
        b"[::ffff:192.0.2.256]",
        b"[v7.]",
        b"\xc3\xa4",
        b"a\n",
    ],
)
def test_what_is_no_authority(value: bytes) -> None:
    assert not is_authority(value)


@pytest.mark.parametrize("value", [b"0", b"007", b"9" * 18])
def test_content_lengths(value: bytes) -> None:
    assert is_content_length(value)


@pytest.mark.parametrize("value", [b"", b"-1", b"+1", b"1.0", b"0x1", b"1,1", b" 1", b"9" * 19])
def test_what_is_no_content_length(value: bytes) -> None:
    assert not is_content_length(value)


@pytest.mark.parametrize(("left", "size", "ends"), [(2, 1, False), (2, 2, False), (2, 2, True)])
def test_content_as_long_as_was_said(left: int, size: int, ends: bool) -> None:
    check_length(left, size, ends)


@pytest.mark.parametrize(("left", "size", "ends"), [(2, 3, False), (2, 3, True), (2, 1, True)])
def test_content_of_another_length(left: int, size: int, ends: bool) -> None:
    with pytest.raises(LocalProtocolError, match="content than Content-Length says"):
        check_length(left, size, ends)
