"""From a configuration to the arguments of a backend's ``serve``.

Knows: the one way in which settings, listeners and observer follow from a configuration.
Must not know: which event loop serves.
"""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypercorn_workers.settings import Listener

from . import inheritance, tls
from .errors import ConfigError
from .observer import LogObserver
from .sockets import Sockets, keep_to_this_process, listen
from .unix_sockets import UnixSocketFiles

if TYPE_CHECKING:
    from .config import Config

__all__ = ["Credentials", "Plan", "listening_sockets", "warn_of_ignored_options"]


def warn_of_ignored_options(config: Config) -> None:
    """For the callers of ``serve``, which neither makes a loop nor processes."""
    if config.debug:
        warnings.warn("The config `debug` has no effect when using serve", Warning, stacklevel=3)
    if config.workers != 1:
        warnings.warn("The config `workers` has no effect when using serve", Warning, stacklevel=3)


def listening_sockets(config: Config) -> Sockets:
    """The configuration's sockets, listening; the caller closes them. Raises BindError."""
    with inheritance.offered_by_environment():
        sockets = config.create_sockets()
    keep_to_this_process(sockets.stream_sockets)
    try:
        listen(sockets.stream_sockets, config.backlog)
    except OSError:
        sockets.close()
        raise
    return sockets


@dataclass(frozen=True)
class Credentials:
    """What sockets for TLS are served with; None twice without TLS."""

    context: ssl.SSLContext | None
    certificate: str | None
    """In PEM form, for applications that ask."""

    @classmethod
    def of(cls, config: Config) -> Credentials:
        """Read them from the configuration's files. Raises ConfigError."""
        return cls(config.create_ssl_context(), tls.certificate_pem(config.certfile))

    def listeners(
        self, secure: Iterable[socket.socket], insecure: Iterable[socket.socket]
    ) -> list[Listener]:
        """The sockets as what a worker accepts from."""
        return [Listener(sock, self.context, self.certificate) for sock in secure] + [
            Listener(sock) for sock in insecure
        ]


class Plan:
    """What one call of ``serve`` is given.

    ``sockets`` are those of the caller; if None they are made when the application has started,
    and the files of unix sockets removed at the end. ``started`` and ``announce`` are those of
    :class:`~hypercorn.observer.LogObserver`. ``credentials`` are read here unless they are given.
    Raises ConfigError if this cannot be served.
    """

    def __init__(
        self,
        config: Config,
        sockets: Sockets | None = None,
        started: Callable[[list[str]], None] | None = None,
        *,
        announce: bool = True,
        credentials: Credentials | None = None,
    ) -> None:
        config.validate()
        self.settings = config.to_worker_settings()
        self.observer = LogObserver(config.log, self._tell_started, announce=announce)
        self._started: list[Callable[[list[str]], object]] = []
        if started is not None:
            self._started.append(started)
        self._config = config
        self._sockets = sockets
        self._credentials = Credentials.of(config) if credentials is None else credentials
        self._files = UnixSocketFiles()

    def before_started(self, callback: Callable[[], object]) -> None:
        """Call back when all is there, before anybody is told so."""
        self._started.insert(0, lambda addresses: callback())

    def after_announcement(self, callback: Callable[[], object]) -> None:
        """Call back when it has been said where the server runs."""
        self.observer.announced = callback

    def _tell_started(self, addresses: list[str]) -> None:
        for callback in self._started:
            callback(addresses)

    def listeners(self) -> list[Listener]:
        """The sockets with their contexts. Raises BindError."""
        if self._sockets is None:
            self._sockets = listening_sockets(self._config)
            self._files.claim([*self._config.bind, *self._config.insecure_bind])
        if self._sockets.secure_sockets and self._credentials.context is None:
            raise ConfigError(
                "there are sockets for TLS, but create_ssl_context() gave no context"
            )
        return self._credentials.listeners(
            self._sockets.secure_sockets, self._sockets.insecure_sockets
        )

    @contextmanager
    def cleaning_up(self) -> Iterator[None]:
        """Serve inside of this: it removes what :meth:`listeners` has left in the file system."""
        try:
            yield
        finally:
            self._files.remove()
