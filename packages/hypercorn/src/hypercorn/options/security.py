"""Options on TLS.

Knows: the group of TLS options.
Must not know: how a context is made of them.
"""

from __future__ import annotations

import ssl

from hypercorn_workers.settings import WorkerSettings

from .kinds import Enumeration, Integer, Maybe, Path, Seconds, Strings, Text
from .option import OldOption, OptionGroup, option

__all__ = ["TLSOptions"]

WORKER = WorkerSettings()


class TLSOptions(OptionGroup, title="TLS"):
    """Certificates and what is asked of clients. TLS is on when certfile and keyfile are set."""

    certfile: str | None = option(
        Maybe(Path()), None, "The certificate, followed by its chain, in PEM form."
    )
    keyfile: str | None = option(
        Maybe(Path()), None, "The certificate's private key, in PEM form."
    )
    keyfile_password: str | None = option(
        Maybe(Text()), None, "The password of the private key, if it is encrypted."
    )
    ca_certs: str | None = option(
        Maybe(Path()), None, "Certificates of the authorities that clients' certificates are from."
    )
    ciphers: str = option(Text(), "ECDHE+AESGCM", "Ciphers for TLS 1.2, in OpenSSL's list format.")
    verify_mode: ssl.VerifyMode | None = option(
        Maybe(Enumeration(ssl.VerifyMode)),
        None,
        "Whether clients must show a certificate: `CERT_NONE`, `CERT_OPTIONAL`, `CERT_REQUIRED`.",
    )
    verify_flags: ssl.VerifyFlags | None = option(
        Maybe(Enumeration(ssl.VerifyFlags)),
        None,
        "How clients' certificates are checked, for example `VERIFY_X509_STRICT`.",
    )
    alpn_protocols: list[str] = option(
        Strings(),
        ["h2", "http/1.1"],
        "Protocols to offer, best first. Those that this version does not serve are left out.",
    )
    ssl_handshake_timeout: float = option(
        Seconds(), WORKER.ssl_handshake_timeout, "How long a TLS handshake may take."
    )
    cert_reqs = OldOption(Integer(), "verify_mode", ("--cert-reqs",))
