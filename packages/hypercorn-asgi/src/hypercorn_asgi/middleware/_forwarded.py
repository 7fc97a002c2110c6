"""The ``Forwarded`` field (RFC 7239) and the nodes that it and X-Forwarded-For name.

Knows: the grammars.
Must not know: whom to trust.
"""

from __future__ import annotations

import re

__all__ = ["parse_forwarded", "parse_node"]

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_BLANK = re.compile(r"[ \t]*")
# Addresses with a port or in brackets must be quoted, and often are not: ":[]" are let through.
_PAIR = re.compile(
    rf'({_TOKEN})=(?:"((?:[^"\\]|\\.)*)"|([!#$%&\'*+\-.^_`|~0-9A-Za-z:\[\]]+))[ \t]*'
)
_QUOTED_PAIR = re.compile(r"\\(.)")


def parse_forwarded(field: str) -> list[dict[str, str]]:
    """Return the elements of one field line, first hop first, names in lower case.

    Raises ValueError for what RFC 7239 section 4 does not allow: the fault of whoever wrote
    the line. A half-understood line must not be used, for a quotation mark that a client
    leaves open can swallow what a proxy appended.
    """
    elements: list[dict[str, str]] = [{}]
    position = 0
    while position < len(field):
        position = _read_pair(field, position, elements[-1])
        separator = field[position : position + 1]
        if separator == ",":
            elements.append({})
        elif separator not in ("", ";"):
            raise ValueError(f"malformed Forwarded field at {position}: {field!r}")
        position += 1
    return [element for element in elements if element]


def _read_pair(field: str, position: int, element: dict[str, str]) -> int:
    """Add the pair at *position* to *element*, if there is one; return where it ends."""
    blank = _BLANK.match(field, position)
    start = blank.end() if blank else position
    match = _PAIR.match(field, start)
    if match is None:
        return start
    name = match.group(1).lower()
    if name in element:
        raise ValueError(f"{name} is twice in one element of a Forwarded field: {field!r}")
    quoted = match.group(2)
    element[name] = match.group(3) if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
    return match.end()


def parse_node(node: str) -> tuple[str, int]:
    """Return host and port of a node identifier (RFC 7239 section 6), port 0 if it has none.

    ``192.0.2.43``, ``192.0.2.43:47011``, ``[2001:db8::17]:4711``, ``2001:db8::17`` (as
    X-Forwarded-For has it), ``_hidden`` and ``unknown``. A port that is no number is 0.
    """
    if node.startswith("["):
        host, _, rest = node[1:].partition("]")
        port = rest.removeprefix(":")
    elif node.count(":") == 1:
        host, _, port = node.partition(":")
    else:
        host, port = node, ""
    return host, int(port) if port.isascii() and port.isdigit() else 0
