"""What a client or an application says of a response's urgency (RFC 9218).

Knows: the Priority field and the part of Structured Fields (RFC 9651) that it is written in.
Must not know: streams, frames, or what is sent when.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

__all__ = ["DEFAULT_PRIORITY", "MAX_PRIORITY_LENGTH", "Priority", "parse_priority"]

MAX_PRIORITY_LENGTH = 256
"""Longer values are not read, in bytes: what is meant takes six."""

_LOWEST_URGENCY = 7


@dataclass(frozen=True, slots=True)
class Priority:
    """How urgent a response is, and whether a part of it is of use (RFC 9218 section 4)."""

    urgency: int = 3
    """From 0, the most urgent, to 7."""

    incremental: bool = False
    """True if the client can work with pieces, so that sharing the connection serves it."""


DEFAULT_PRIORITY = Priority()


def parse_priority(value: bytes, base: Priority = DEFAULT_PRIORITY) -> Priority:
    """Return ``base`` with what ``value`` says otherwise.

    ``value`` is a Priority field's, several fields' joined by a comma, or what a PRIORITY_UPDATE
    frame carries. With a request's priority for ``base`` and a response's field for ``value`` it
    does what RFC 9218 section 8 asks of a server that merges the two.

    Raises nothing: a parameter of another type or out of range is as if it were not there
    (RFC 9218 section 4), and a value that is no Dictionary changes nothing (RFC 9651 section
    4.2: a field that cannot be parsed is ignored as a whole).
    """
    if len(value) > MAX_PRIORITY_LENGTH:
        return base
    urgency, incremental = _parse(value)
    if urgency is None and incremental is None:
        return base
    return Priority(
        base.urgency if urgency is None else urgency,
        base.incremental if incremental is None else incremental,
    )


# Clients use a handful of values; the bound on their length bounds what the cache can hold.
@lru_cache(maxsize=128)
def _parse(value: bytes) -> tuple[int | None, bool | None]:
    """Return the urgency and whether incremental, None for what was not validly given."""
    members = _members(value.lstrip(b" "))
    return _urgency(members.get(b"u")), _incremental(members.get(b"i"))


def _urgency(value: bytes | None) -> int | None:
    if value is None or not _INTEGER.fullmatch(value):
        return None
    number = int(value)
    return number if 0 <= number <= _LOWEST_URGENCY else None


def _incremental(value: bytes | None) -> bool | None:
    return {b"?1": True, b"?0": False}.get(value or b"")


def _members(value: bytes) -> dict[bytes, bytes]:
    """Return a Dictionary's members as they are written, none if there is an error in any.

    A key that is there twice has its last value; an Inner List's is empty."""
    members: dict[bytes, bytes] = {}
    position = 0
    while position < len(value):
        match = _member().match(value, position)
        if match is None:
            return {}
        key, given, item = match.groups(b"")
        members[key] = item if given else b"?1"
        position = match.end()
    return members


@cache
def _member() -> re.Pattern[bytes]:
    """To compile it takes milliseconds, which every start of a server would wait for."""
    return re.compile(_MEMBER)


# The grammar, RFC 9651 section 4.2. Each part ends where a byte comes that it cannot contain, so
# that there is one way at most to match and the time is linear.

_KEY = rb"[a-z*][a-z0-9_\-.*]*"
_STRING = rb'"(?:[ !#-\[\]-~]|\\["\\])*"'
_TOKEN = rb"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*"
# What base64 can decode, with its padding or without.
_BYTES = rb":(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==?)?|[A-Za-z0-9+/]{3}=?)?:"
_NUMBER = rb"-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})"

# A Display String's escapes are to be UTF-8 (RFC 3629 section 4): no overlong form, no surrogate.
_TAIL = rb"%[89ab][0-9a-f]"
_ESCAPED = rb"|".join(
    (
        rb"%[0-7][0-9a-f]",
        rb"%(?:c[2-9a-f]|d[0-9a-f])" + _TAIL,
        rb"%e0%[ab][0-9a-f]" + _TAIL,
        rb"%e[1-9abcef]" + _TAIL * 2,
        rb"%ed%[89][0-9a-f]" + _TAIL,
        rb"%f0%[9ab][0-9a-f]" + _TAIL * 2,
        rb"%f[1-3]" + _TAIL * 3,
        rb"%f4%8[0-9a-f]" + _TAIL * 2,
    )
)
_DISPLAY = rb'%"(?:[ !#$&-~]|' + _ESCAPED + rb')*"'

_BARE = (
    rb"(?:"
    + rb"|".join((_NUMBER, _STRING, _TOKEN, _BYTES, rb"\?[01]", rb"@-?[0-9]{1,15}", _DISPLAY))
    + rb")"
)
_PARAMETERS = rb"(?:; *" + _KEY + rb"(?:=" + _BARE + rb")?)*"
_ITEM = _BARE + _PARAMETERS
_INNER_LIST = rb"\( *(?:" + _ITEM + rb"(?: +" + _ITEM + rb")* *)?\)"
_VALUE = rb"(=)(?:(" + _BARE + rb")|" + _INNER_LIST + rb")"

_MEMBER = (
    rb"(" + _KEY + rb")(?:" + _VALUE + rb")?" + _PARAMETERS + rb"[ \t]*(?:\Z|,[ \t]*(?=[a-z*]))"
)
_INTEGER = re.compile(rb"-?[0-9]{1,15}")
