"""Config: the options with their values, and what is made of them.

Knows: the options of :mod:`.options` as attributes, where configurations are read from, and the
sockets, contexts, headers and worker settings that follow from one.
Must not know: processes, event loops or the command line.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from importlib.util import find_spec
from socket import SocketKind
from time import time
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import format_date_time

from hypercorn_workers.settings import WorkerSettings

from . import sources, tls
from .errors import ConfigError
from .inheritance import activated
from .logging import Logger
from .options import (
    ApplicationOptions,
    BindOptions,
    HTTP2Options,
    HTTPOptions,
    LimitOptions,
    LoggingOptions,
    MetricsOptions,
    ProcessOptions,
    ReloadOptions,
    TLSOptions,
    WebSocketOptions,
    declared_options,
)
from .options.option import UNSET
from .settings import worker_settings
from .sockets import Sockets, SocketTypeError, open_sockets
from .unix_sockets import UnixOwnership

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "BYTES",
    "OCTETS",
    "SECONDS",
    "Config",
    "ConfigError",
    "FilePath",
    "SocketKind",
    "SocketTypeError",
    "Sockets",
]

BYTES = 1
OCTETS = 1
SECONDS = 1.0

FilePath = bytes | str | os.PathLike[str] | os.PathLike[bytes]


class Config(
    ApplicationOptions,
    BindOptions,
    ProcessOptions,
    ReloadOptions,
    TLSOptions,
    HTTPOptions,
    LimitOptions,
    HTTP2Options,
    WebSocketOptions,
    LoggingOptions,
    MetricsOptions,
):
    """How Hypercorn is to serve: set attributes, or read them with one of the class methods.

    A wrong value raises :class:`ConfigError` where it is assigned. Instances can be pickled, as
    they travel to worker processes. Subclasses may declare other defaults as plain attributes, add
    attributes of their own and override the methods.
    """

    _log: Logger | None = None
    """A logger assigned by the user in place of one of ``logger_class``."""
    _made_log: Logger | None = None

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> Self:
        """A configuration with these options; keyword arguments win over the mapping."""
        return sources.assign(cls(), {**(mapping or {}), **kwargs}, "")

    @classmethod
    def from_toml(cls, filename: FilePath) -> Self:
        """A configuration from a TOML file's ``[tool.hypercorn]`` or ``[hypercorn]`` table, or
        from its top level if it has neither. Raises OSError and ConfigError."""
        return sources.assign(cls(), sources.read_toml(filename), os.fsdecode(filename))

    @classmethod
    def from_pyfile(cls, filename: FilePath) -> Self:
        """A configuration from the names that a Python file defines; see :meth:`from_object`."""
        module = sources.execute(filename)
        values = sources.public_values(module, cls)
        return sources.assign(cls(), values, os.fsdecode(filename), hint=sources.HELPER_HINT)

    @classmethod
    def from_object(cls, instance: object | str) -> Self:
        """A configuration from an object's attributes, or from those of what a text names:
        ``module`` or ``module.attribute``.

        Names that begin with an underscore, modules, classes, functions and names in capitals are
        left alone, as files that make a configuration have helpers."""
        found = sources.named_object(instance) if isinstance(instance, str) else instance
        label = instance if isinstance(instance, str) else type(instance).__name__
        values = sources.public_values(found, cls)
        return sources.assign(cls(), values, label, hint=sources.HELPER_HINT)

    @property
    def log(self) -> Logger:
        """The logger, made from ``logger_class`` when it is first asked for."""
        if self._log is not None:
            return self._log
        if not isinstance(self._made_log, self.logger_class):
            self._made_log = self.logger_class(self)
        return self._made_log

    @property
    def ssl_enabled(self) -> bool:
        """Whether ``bind`` is served with TLS."""
        return self.certfile is not None and self.keyfile is not None

    def set_cert_reqs(self, value: int) -> None:
        """Deprecated: set verify_mode."""
        self.cert_reqs = value

    def set_statsd_logger_class(self, statsd_logger: type[Logger]) -> None:
        """Log with this class if StatsD is configured and no other class was chosen."""
        if self.statsd_host is not None and self.logger_class is Logger:
            self.logger_class = statsd_logger

    def create_ssl_context(self) -> ssl.SSLContext | None:
        """The context for TLS binds, None if TLS is off. Override to make another."""
        return tls.create_ssl_context(self) if self.ssl_enabled else None

    def create_sockets(self) -> Sockets:
        """Make and bind the sockets; the caller closes them. Programs that the caller executes
        inherit them. Raises BindError."""
        sockets = self._open_sockets()
        sockets.set_inheritable(True)
        return sockets

    def _open_sockets(self) -> Sockets:
        ownership = UnixOwnership(self.umask, self.user, self.group)
        balanced = self.reuse_port and self.workers > 1
        binds = self._binds()
        sockets = Sockets([], [])
        if not self.ssl_enabled:
            sockets.insecure_sockets = open_sockets(binds, ownership, reuse_port=balanced)
            return sockets
        sockets.secure_sockets = open_sockets(binds, ownership, reuse_port=balanced)
        try:
            sockets.insecure_sockets = open_sockets(
                self.insecure_bind, ownership, reuse_port=balanced
            )
        except BaseException:
            sockets.close()
            raise
        return sockets

    def _binds(self) -> list[str]:
        """``bind``, or what a service manager has opened if nothing is said."""
        option = declared_options(type(self))["bind"]
        if self.bind == option.default and activated():
            return [f"fd://{each.fd}" for each in activated()]
        return self.bind

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """The headers that every response over ``h11``, ``h2`` or ``h3`` gets."""
        headers = []
        if self.include_date_header:
            headers.append((b"date", format_date_time(time()).encode("ascii")))
        if self.include_server_header:
            headers.append((b"server", f"hypercorn-{protocol}".encode("ascii")))
        headers += [(b"alt-svc", value.encode("latin-1")) for value in self.alt_svc_headers]
        return headers

    def to_worker_settings(self) -> WorkerSettings:
        """What a worker is told. The jitter of max_requests is drawn anew at each call."""
        return worker_settings(self)

    def validate(self) -> None:
        """Check all values, and that they go together. Raises ConfigError.

        Called before serving: a list may have been changed in place since it was assigned."""
        for name, each in declared_options(type(self)).items():
            value = vars(self).get(name, UNSET)
            if value is not UNSET:
                each.checked(value, f"{name} = {value!r}")
        self._require_key_pair()
        self._require_engines()
        if self.use_reloader and self.workers == 0:
            raise ConfigError("use_reloader = True: it needs a worker process, set workers to 1")
        if self.quic_bind:
            raise ConfigError(
                f"quic_bind = {self.quic_bind!r}: HTTP/3 is not available in this version, "
                "remove quic_bind (--quic-bind)"
            )

    def _require_key_pair(self) -> None:
        for name, other in (("certfile", "keyfile"), ("keyfile", "certfile")):
            value = getattr(self, name)
            if value is not None and getattr(self, other) is None:
                raise ConfigError(
                    f"{name} = {value!r}: TLS needs {other} too "
                    "(the same path if one file holds both)"
                )

    def _require_engines(self) -> None:
        for name in ("http1_engine", "http2_engine", "websocket_engine"):
            engine = getattr(self, name)  # by the name of its library
            if engine not in ("auto", "builtin") and find_spec(engine) is None:
                raise ConfigError(
                    f"{name} = {engine!r}: it is not installed, `pip install {engine}`"
                )

    def __getstate__(self) -> dict[str, Any]:
        # Handlers and streams cannot travel to another process; each makes its own logger.
        return {name: value for name, value in vars(self).items() if name != "_made_log"}
