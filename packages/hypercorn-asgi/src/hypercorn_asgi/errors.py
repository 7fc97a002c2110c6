"""Everything that this package raises on purpose, and whose fault each one is.

Knows: the kinds of failure between a server, an application and a client.
Must not know: when they happen; the modules that raise them decide that.

Each one keeps its constructor's arguments in ``args``, so that it can be pickled on its way out
of a worker process, and makes its text from them.
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
        super().__init__(state, message_type)
        self.state = state
        self.message_type = message_type

    def __str__(self) -> str:
        return f"Unexpected message type, {self.message_type} given the state {self.state}"


class LifespanTimeoutError(Exception):
    """The application did not finish a lifespan *stage* in time. The application's fault.

    *stage* is ``"startup"`` or ``"shutdown"``. The operator may have set too short a timeout.
    """

    def __init__(self, stage: str) -> None:
        super().__init__(stage)
        self.stage = stage

    def __str__(self) -> str:
        return (
            f"The application did not finish its lifespan {self.stage} in time; does it support "
            f"the ASGI lifespan protocol, is the {self.stage} timeout long enough?"
        )


class LifespanFailureError(Exception):
    """The application answered a lifespan *stage* with ``failed``. The application's verdict.

    *stage* is ``"startup"`` or ``"shutdown"``, *message* is the application's own text.
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(stage, message)
        self.stage = stage
        self.message = message

    def __str__(self) -> str:
        return f"Lifespan failure in {self.stage}: '{self.message}'"


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
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the request's content is longer than {self.limit} bytes"


class InvalidPathError(Exception):
    """The request's path is outside the ``root_path`` that the application is mounted at.

    The client's fault, or that of a proxy that strips the prefix: answered with 404.
    """
