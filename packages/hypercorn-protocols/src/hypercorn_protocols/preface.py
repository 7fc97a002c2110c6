"""Which version of HTTP the first bytes of a connection speak.

Knows: the preface of HTTP/2, and what at the least a request line of HTTP/1 looks like.
Must not know: either of them any further, or when a connection may switch.

HTTP/1.1 leaves at the preface and HTTP/2 begins with it: it is the one fact that both must know.
"""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["PREFACE", "Spoken", "recognise"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client of HTTP/2 sends first (RFC 9113 section 3.4)."""


class Spoken(Enum):
    """What a client speaks, as far as can be said."""

    HTTP2 = auto()
    """HTTP/2: the preface is complete."""
    UNDECIDED = auto()
    """The preface has begun, which might still become a request."""
    HTTP1 = auto()
    """HTTP/1, or what its parser is to complain of."""
    NEITHER = auto()
    """Neither of them: no answer would be understood."""


def recognise(received: bytes) -> Spoken:
    """Say what a client speaks that has sent this, and nothing before it."""
    if received.startswith(PREFACE):
        return Spoken.HTTP2
    if PREFACE.startswith(received):
        return Spoken.UNDECIDED
    line, end, _ = received.partition(b"\r\n")
    return Spoken.NEITHER if end and _is_unlike_a_request(line) else Spoken.HTTP1


def _is_unlike_a_request(line: bytes) -> bool:
    """Whether it has a request line's three words, and neither a target nor a version in them.

    Whoever made a mistake in HTTP/1 is told of it: all forms of request targets (RFC 9112 section
    3.2) have one of these characters in them.
    """
    words = line.split(b" ", 3)
    if len(words) != 3 or not all(words):
        return False
    _, target, version = words
    return not version.startswith(b"HTTP/") and not any(mark in target for mark in b"/:*")
