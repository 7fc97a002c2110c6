"""The grammar of HTTP/1.1 messages, as regular expressions over bytes.

Knows: RFC 9112 sections 2 to 7 (lines), made of what :mod:`semantics` has for all of HTTP.
Must not know: connections, limits or what a field means.

Everything is matched in full and nothing is repaired: no bare CR or LF, no folded lines, no
white space before a colon, no NUL or other control character. What passes means the same to
every reader, which is what keeps requests from being smuggled. :mod:`scanner` follows the same
grammar through lines that are not complete.
"""

from __future__ import annotations

import re

from hypercorn_protocols.semantics import TOKEN, VALUE_CHAR

__all__ = [
    "CHUNK_HEADER",
    "EMPTY_LINES",
    "FIELD",
    "FIELD_BLOCK",
    "MAX_CHUNK_DIGITS",
    "QDTEXT",
    "QUOTED",
    "REQUEST_LINE",
    "SECTION",
    "VCHAR",
    "field_pairs",
    "list_tokens",
]

# Classes of characters, as what stands between [ and ].
# RFC 5234
VCHAR = rb"\x21-\x7e"
# RFC 9110 section 5.6.4: what a quoted-string may hold as it is, and behind a backslash
QDTEXT = rb"\t \x21\x23-\x5b\x5d-\x7e\x80-\xff"
QUOTED = rb"\t \x21-\x7e\x80-\xff"

# More digits would not fit 63 bits, which is all that other readers of the same number may have.
MAX_CHUNK_DIGITS = 15

_TOKEN = TOKEN.pattern
_VALUE = rb"[" + VALUE_CHAR + rb"]*"
_FIELD_LINES = rb"(?:" + _TOKEN + rb":" + _VALUE + rb"\r\n)*"

REQUEST_LINE = re.compile(
    # RFC 9112 section 3; the target's own grammar is looked at by its form
    rb"(" + _TOKEN + rb") ([" + VCHAR + rb"]+) HTTP/([0-9])\.([0-9])"
)
"""Groups: method, target, major and minor version."""

SECTION = re.compile(_FIELD_LINES + rb"\r\n")
"""A header section with the empty line that ends it."""

EMPTY_LINES = re.compile(rb"(?:\r\n)+")

FIELD_BLOCK = re.compile(_FIELD_LINES)
FIELD = re.compile(rb"(" + _TOKEN + rb"):[\t ]*(" + _VALUE + rb")\r\n")
"""One line of what matched :data:`FIELD_BLOCK`; the value may end in white space."""

CHUNK_HEADER = re.compile(
    # RFC 9112 section 7.1: chunk-size [ chunk-ext ] CRLF
    rb"([0-9A-Fa-f]{1,%d})" % MAX_CHUNK_DIGITS
    + rb"(?:[\t ]*;[\t ]*"
    + _TOKEN
    + rb"(?:[\t ]*=[\t ]*(?:"
    + _TOKEN
    + rb'|"(?:['
    + QDTEXT
    + rb"]|\\["
    + QUOTED
    + rb'])*"))?'
    + rb")*\r\n"
)
"""The line before a chunk's data. Group 1: its size in hexadecimal digits."""


def field_pairs(block: bytes, keep_case: bool = False) -> list[tuple[bytes, bytes]]:
    """Split field lines that matched :data:`FIELD_BLOCK`; names in lower case unless they are to
    be kept."""
    pairs = [(name, value.rstrip(b" \t")) for name, value in FIELD.findall(block)]
    return pairs if keep_case else [(name.lower(), value) for name, value in pairs]


def list_tokens(value: bytes) -> list[bytes]:
    """Split a list of tokens, in lower case (RFC 9110 section 5.6.1)."""
    return [token.strip(b" \t") for token in value.lower().split(b",")]
