"""Everything that this package raises on purpose, and whose fault each one is.

Knows: the kinds of failure between a server, an application and a client.
Must not know: when they happen; the modules that raise them decide that.
"""

from __future__ import annotations

from enum import Enum

__all__ = [
    "BodyTooLargeError",
    "ClientDisconnected",
    "InvalidPathError",
    "LifespanFailureError",
    "LifespanTimeoutError",
    "UnexpectedMessageError",
]


class UnexpectedMessageError(Exception):
    """The application sent a message that its state does not allow. The application's fault.

    For example ``http.response.body`` before ``http.response.start``.
    """

    def __init__(self, state: Enum, message_type: str) -> None:
        super().__init__(f"Unexpected message type, {message_type} given the state {state}")
        self.state = state
        self.message_type = message_type


class LifespanTimeoutError(Exception):
    """The application did not finish a lifespan *stage* in time. The application's fault.

    *stage* is ``"startup"`` or ``"shutdown"``. The operator may have set too short a timeout.
    """

    def __init__(self, stage: str) -> None:
        super().__init__(
            f"The application did not finish its lifespan {stage} in time; "
            f"does it support the ASGI lifespan protocol, is the {stage} timeout long enough?"
        )
        self.stage = stage


class LifespanFailureError(Exception):
    """The application answered a lifespan *stage* with ``failed``. The application's verdict.

    *stage* is ``"startup"`` or ``"shutdown"``, *message* is the application's own text.
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(f"Lifespan failure in {stage}: '{message}'")
        self.stage = stage
        self.message = message


class ClientDisconnected(OSError):  # noqa: N818 (an event more than an error, as ASGI puts it)
    """The client left before the exchange was complete. Nobody's fault.

    ``send()`` raises it on a closed connection: "the server should raise a server-specific
    subclass of OSError" (ASGI HTTP specification 2.4). A WSGI application meets it in
    ``write()`` and in reads of ``wsgi.input``. Servers catch it and do not log it as an error.
    """

    def __init__(self, message: str = "the client has disconnected") -> None:
        super().__init__(message)


class BodyTooLargeError(OSError):
    """The request's content is longer than the server takes. The client's fault: 413.

    Reads of ``wsgi.input`` raise it. It is an :class:`OSError` because that is what WSGI
    frameworks expect of an input that cannot be read.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the request's content is longer than {limit} bytes")
        self.limit = limit


class InvalidPathError(Exception):
    """The request's path is outside the ``root_path`` that the application is mounted at.

    The client's fault, or that of a proxy that strips the prefix: answered with 404.
    """
