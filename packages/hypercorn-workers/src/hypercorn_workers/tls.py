"""What an encrypted connection tells the application: the ASGI ``tls`` extension.

Knows: the extension's fields (ASGI TLS extension 0.2) and the ssl module's words for them.
Must not know: how the handshake was done.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any, Protocol

__all__ = ["SSLInfo", "tls_extension"]

_VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}


class SSLInfo(Protocol):
    """The part of :class:`ssl.SSLObject` that tells of the peer."""

    def version(self) -> str | None:
        """The protocol's version."""

    def cipher(self) -> tuple[str, str, int] | None:
        """Name, protocol and strength of the cipher."""

    def getpeercert(self, binary_form: bool = False) -> Any:
        """The client's certificate."""

    def selected_alpn_protocol(self) -> str | None:
        """The protocol that was chosen for what follows."""


def tls_extension(
    connection: SSLInfo, context: ssl.SSLContext, server_cert: str | None
) -> dict[str, Any]:
    """Make the extension's dictionary.

    Args:
        connection: whose handshake is done.
        context: the server's.
        server_cert: the server's certificate in PEM form.
    """
    certificate = connection.getpeercert(True)
    chain = [] if not certificate else [ssl.DER_cert_to_PEM_cert(certificate)]
    cipher = connection.cipher()
    return {
        "server_cert": server_cert,
        "client_cert_chain": chain,
        "client_cert_name": _subject(connection.getpeercert()) if chain else None,
        "client_cert_error": None,
        "tls_version": _VERSIONS.get(connection.version() or ""),
        "cipher_suite": None if cipher is None else _cipher_suites(context).get(cipher[0]),
    }


@lru_cache(maxsize=16)
def _cipher_suites(context: ssl.SSLContext) -> dict[str, int]:
    """The suites' numbers of the IANA registry, which the extension wants, by OpenSSL's names."""
    return {cipher["name"]: int(cipher["id"]) & 0xFFFF for cipher in context.get_ciphers()}


# RFC 4514 section 3
_ATTRIBUTES = {
    "commonName": "CN",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}


def _subject(certificate: dict[str, Any] | None) -> str | None:
    """The subject as an RFC 4514 string, the most specific part first."""
    if not certificate:
        return None
    names = [
        "+".join(f"{_ATTRIBUTES.get(kind, kind)}={_escape(value)}" for kind, value in part)
        for part in reversed(certificate.get("subject", ()))
    ]
    return ",".join(names)


def _escape(value: str) -> str:
    """RFC 4514 section 2.4."""
    escaped = "".join("\\" + char if char in ',+"\\<>;' else char for char in value)
    if escaped[:1] in ("#", " "):
        escaped = "\\" + escaped
    return escaped[:-1] + "\\ " if len(escaped) > 1 and escaped.endswith(" ") else escaped
