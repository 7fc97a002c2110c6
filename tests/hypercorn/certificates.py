"""Certificates for tests, made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trustme

PASSWORD = "correct horse"


@cache
def authority() -> trustme.CA:
    """One authority for all tests of a process: keys take time to make."""
    return trustme.CA()


@dataclass(frozen=True)
class Files:
    """Where a certificate and its key are."""

    certfile: str
    keyfile: str
    encrypted_keyfile: str
    ca_certs: str


def write_certificate(folder: Path, name: str = "localhost") -> Files:
    """Write a new certificate for this name and 127.0.0.1."""
    certificate = authority().issue_cert(name, "127.0.0.1")
    files = Files(
        *(str(folder / f"{name}.{kind}.pem") for kind in ("cert", "key", "locked", "ca"))
    )
    certificate.private_key_pem.write_to_path(files.keyfile)
    Path(files.certfile).write_bytes(
        b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    )
    authority().cert_pem.write_to_path(files.ca_certs)
    Path(files.encrypted_keyfile).write_bytes(_encrypted(certificate.private_key_pem.bytes()))
    return files


def _encrypted(key: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
