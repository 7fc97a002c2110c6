"""Whose fault it was: the two kinds of protocol error.

Knows: the difference between a caller that breaks the rules and a peer that does.
Must not know: how either is reported.
"""

from __future__ import annotations

__all__ = ["LocalProtocolError", "ProtocolError", "RemoteProtocolError"]


class ProtocolError(Exception):
    """The rules of a protocol were broken. Never raised itself."""


class LocalProtocolError(ProtocolError):
    """The caller (in a server: the application) asked for what the protocol forbids.

    Nothing of the offending call was sent.
    """


class RemoteProtocolError(ProtocolError):
    """The peer broke the rules. Connections handle it themselves; it does not leave them."""

    def __init__(self, message: str, status_hint: int = 400) -> None:
        super().__init__(message)
        self.status_hint = status_hint
        """The HTTP status that says best what was wrong."""
