"""Lists of extensions, as the field Sec-WebSocket-Extensions has them.

Knows: the grammar (RFC 6455 section 9.1).
Must not know: what any extension or parameter means, or what becomes of a list with mistakes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypercorn_protocols.semantics import TCHAR

__all__ = ["Extension", "encode_extension", "parse_extensions"]

_TOKEN = rb"[" + TCHAR + rb"]+"

_NAME = re.compile(_TOKEN)
_PARAMETER = re.compile(
    # RFC 6455 section 9.1 borrows RFC 2616's rules: white space may stand around each separator.
    # A quoted value has to be a token once its backslashes are gone.
    rb"[\t ]*;[\t ]*(" + _TOKEN + rb")"
    rb"(?:[\t ]*=[\t ]*(?:(" + _TOKEN + rb')|"((?:\\?[' + TCHAR + rb'])+)"))?'
)
"""Groups: name, value as a token, value as a quoted string."""

# RFC 9110 section 5.6.1.2: empty elements of a list are passed over
_EMPTY_ELEMENTS = re.compile(rb"[\t ,]*")
_END_OF_ELEMENT = re.compile(rb"[\t ]*(?:,[\t ,]*|\Z)")


@dataclass(slots=True)
class Extension:
    """One extension that is offered, or one way to have it."""

    name: str
    parameters: list[tuple[str, str | None]]
    """Names and values in the order they came, repetitions and all; None: without a value."""


def parse_extensions(value: bytes) -> list[Extension]:
    """Read a list of extensions; the values of repeated fields are joined with commas before.

    Raises:
        ValueError: it is no such list, or has nothing in it.
    """
    extensions: list[Extension] = []
    at = _end(_EMPTY_ELEMENTS, value, 0)
    while at < len(value):
        name_ends = _end(_NAME, value, at)
        extension = Extension(value[at:name_ends].decode("ascii"), [])
        at = _end(_END_OF_ELEMENT, value, _parse_parameters(extension, value, name_ends))
        extensions.append(extension)
    if not extensions:
        raise ValueError("an empty list of extensions")
    return extensions


def encode_extension(extension: Extension) -> bytes:
    """Write one extension, whose names and values have to be tokens."""
    parts = [extension.name]
    parts += [name if value is None else f"{name}={value}" for name, value in extension.parameters]
    return "; ".join(parts).encode("ascii")


def _parse_parameters(extension: Extension, value: bytes, at: int) -> int:
    """Read an extension's parameters; returns where they end."""
    while found := _PARAMETER.match(value, at):
        name, token, quoted = found.groups()
        if quoted is not None:
            token = quoted.replace(b"\\", b"")
        extension.parameters.append(
            (name.decode("ascii"), None if token is None else token.decode("ascii"))
        )
        at = found.end()
    return at


def _end(expected: re.Pattern[bytes], value: bytes, at: int) -> int:
    found = expected.match(value, at)
    if found is None:
        raise ValueError(f"not a list of extensions: {value!r}")
    return found.end()
