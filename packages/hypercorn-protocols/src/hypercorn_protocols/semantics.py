"""What every version of HTTP shares (RFC 9110): tokens, field values, authorities, lengths.

Knows: the grammar of what messages are made of, however they are written down, and how long
their content has to be.
Must not know: any one version: neither lines nor frames, nor what is done about a fault.

Everything is matched in full and nothing is repaired: what passes means the same to every reader.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from hypercorn_protocols.errors import LocalProtocolError

__all__ = [
    "CONTROLS",
    "TCHAR",
    "TOKEN",
    "VALUE_CHAR",
    "check_length",
    "is_authority",
    "is_content_length",
]

# Classes of characters, as what stands between [ and ].
# RFC 9110 section 5.6.2
TCHAR = rb"!#$%&'*+\-.^_`|~0-9A-Za-z"
# RFC 9110 section 5.5: field-content is VCHAR, SP, HTAB and obs-text
VALUE_CHAR = rb"\t\x20-\x7e\x80-\xff"

TOKEN = re.compile(rb"[" + TCHAR + rb"]+")
"""Names of methods and fields (RFC 9110 section 5.6.2)."""

CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
"""What no field value may have in it (RFC 9110 section 5.5)."""

# More digits would not fit 63 bits, which is all that other readers of the same number may have.
_MAX_LENGTH_DIGITS = 18

# RFC 3986 section 3.2.2: reg-name and IPv4address, less the sub-delims ' and , that only attacks
# put there. http does without empty names (RFC 9110 section 4.2.1).
_NAME_CHARS = rb"[A-Za-z0-9\-._~!$&()*+;=]*"
_REG_NAME = rb"(?=[^:])" + _NAME_CHARS + rb"(?:%[0-9A-Fa-f]{2}" + _NAME_CHARS + rb")*"
_UP_TO_65535 = rb"6(?:[0-4][0-9]{3}|5(?:[0-4][0-9]{2}|5(?:[0-2][0-9]|3[0-5])))"
_PORT = rb"(?:[0-9]{0,4}|[0-5][0-9]{4}|" + _UP_TO_65535 + rb")"

# Group 1: what should be an IPv6 address.
_AUTHORITY = re.compile(
    rb"(?:" + _REG_NAME + rb"|\[(?:([0-9A-Fa-f:.]+)|v[0-9A-Fa-f]+\.[A-Za-z0-9\-._~:]+)\])"
    rb"(?::" + _PORT + rb")?"
)

# Clients repeat themselves: so many hosts are remembered.
_MAX_REMEMBERED = 1024


@lru_cache(maxsize=_MAX_REMEMBERED)
def is_authority(value: bytes) -> bool:
    """Whether it is a host and perhaps a port, without userinfo (RFC 9110 section 7.2)."""
    match = _AUTHORITY.fullmatch(value)
    return match is not None and (match[1] is None or _is_ipv6_address(match[1]))


def _is_ipv6_address(value: bytes) -> bool:
    try:
        IPv6Address(value.decode("ascii"))
    except AddressValueError:
        return False
    return True


def is_content_length(value: bytes) -> bool:
    """Whether it is a length (RFC 9110 section 8.6), and one that every reader can count."""
    return value.isdigit() and len(value) <= _MAX_LENGTH_DIGITS


def check_length(left: int, size: int, ends: bool) -> None:
    """Compare content that is to be sent with what was announced (RFC 9110 section 8.6).

    Args:
        left: how much Content-Length has left, in bytes.
        size: how much content there is, in bytes.
        ends: whether that is all of it.

    Raises:
        LocalProtocolError: the content is longer, or ends and is shorter.
    """
    if size > left:
        raise LocalProtocolError("more content than Content-Length says")
    if ends and size < left:
        raise LocalProtocolError("less content than Content-Length says")
