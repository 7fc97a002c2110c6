"""TLS: the context that a configuration asks for, and what is wrong with it in one line.

Knows: contexts, ALPN, certificates and how errors in them are told.
Must not know: sockets, or who serves with the context.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from hypercorn_protocols.negotiation import ALPN_PROTOCOLS

from .errors import ConfigError

if TYPE_CHECKING:
    from .config import Config

__all__ = ["SERVED_PROTOCOLS", "certificate_pem", "create_ssl_context"]

SERVED_PROTOCOLS = frozenset(ALPN_PROTOCOLS)
"""ALPN names of the protocols that this version serves."""

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


def create_ssl_context(config: Config) -> ssl.SSLContext:
    """A context with the configuration's certificate and demands on clients.

    Raises ConfigError with one line for a file that is missing or does not fit.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION
    _set_ciphers(context, config.ciphers)
    context.set_alpn_protocols(_offered_protocols(config.alpn_protocols))
    _load_certificate(context, config)
    if config.ca_certs is not None:
        _load_authorities(context, config.ca_certs)
    if config.verify_mode is not None:
        context.verify_mode = config.verify_mode
    if config.verify_flags is not None:
        context.verify_flags = config.verify_flags
    return context


def certificate_pem(path: str | None) -> str | None:
    """The first certificate of a file, which is the server's own; None if there is none."""
    if path is None:
        return None
    try:
        text = Path(path).read_text("ascii", "replace")
    except OSError:
        return None
    found = CERTIFICATE.search(text)
    return found.group() if found else None


def _offered_protocols(wanted: Sequence[str]) -> list[str]:
    offered = [name for name in wanted if name in SERVED_PROTOCOLS]
    if wanted and not offered:
        raise ConfigError(
            f"alpn_protocols = {list(wanted)!r}: this version serves none of them, "
            f"add {' or '.join(sorted(SERVED_PROTOCOLS))}"
        )
    return offered


def _set_ciphers(context: ssl.SSLContext, ciphers: str) -> None:
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError:
        raise ConfigError(
            f"ciphers = {ciphers!r}: OpenSSL knows no such cipher, see `openssl ciphers`"
        ) from None


def _load_certificate(context: ssl.SSLContext, config: Config) -> None:
    certfile, keyfile, password = config.certfile, config.keyfile, config.keyfile_password
    if certfile is None or keyfile is None:
        raise ConfigError("TLS needs both certfile and keyfile")
    _require_readable("certfile", certfile)
    _require_readable("keyfile", keyfile)

    def ask() -> str:
        # Without this OpenSSL would ask on the terminal, in every worker process.
        if password is None:
            raise ConfigError(f"keyfile = {keyfile!r}: it is encrypted, set keyfile_password")
        return password

    try:
        context.load_cert_chain(certfile, keyfile, ask)
    except ssl.SSLError as error:
        _refuse_certificate(error, certfile, keyfile, encrypted=password is not None)


def _refuse_certificate(
    error: ssl.SSLError, certfile: str, keyfile: str, *, encrypted: bool
) -> NoReturn:
    """Say which of the two files is wrong, as far as it can be told."""
    if error.reason == "KEY_VALUES_MISMATCH":
        message = f"keyfile = {keyfile!r}: it is not the key of certfile {certfile!r}"
    elif certificate_pem(certfile) is None:
        message = f"certfile = {certfile!r}: there is no certificate in PEM form in it"
    elif encrypted and "PRIVATE KEY" in Path(keyfile).read_text("ascii", "replace"):
        message = f"keyfile_password: it does not open keyfile {keyfile!r}"
    else:
        message = f"keyfile = {keyfile!r}: it has no usable private key in PEM form"
    raise ConfigError(f"{message} ({error.reason or error})") from None


def _require_readable(name: str, path: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ConfigError(f"{name} = {path!r}: {error.strerror}") from None


def _load_authorities(context: ssl.SSLContext, path: str) -> None:
    _require_readable("ca_certs", path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ConfigError(
            f"ca_certs = {path!r}: there are no certificates in PEM form in it ({error.reason})"
        ) from None
