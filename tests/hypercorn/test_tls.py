"""TLS contexts, and what is wrong with certificates in one line."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from hypercorn.config import Config, ConfigError
from hypercorn.tls import certificate_pem
from tests.hypercorn.certificates import PASSWORD, Files, write_certificate


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_certificate(tmp_path_factory.mktemp("certificates"))


def config_of(files: Files, **changes: Any) -> Config:
    return Config.from_mapping({"certfile": files.certfile, "keyfile": files.keyfile} | changes)


def handshake(server: ssl.SSLContext, offered: list[str]) -> ssl.SSLObject:
    """Shake hands in memory; returns the client's side."""
    client = ssl.create_default_context()
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_alpn_protocols(offered)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(up, down, server_side=True)
    theirs = client.wrap_bio(down, up, server_hostname="localhost")
    pending = [theirs, ours]
    while pending:
        side = pending.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pending.append(side)
    return theirs


def test_no_context_without_tls() -> None:
    assert Config().create_ssl_context() is None


def test_context_is_as_secure_as_pythons_own(files: Files) -> None:
    context = config_of(files).create_ssl_context()
    assert context is not None
    defaults = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    assert context.options & defaults.options == defaults.options
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (["h2", "http/1.1"], "h2"),
        (["http/1.1", "h2"], "http/1.1"),
        (["http/1.1"], "http/1.1"),
        (["h3", "http/1.1"], "http/1.1"),  # what is not served is not offered
        ([], None),
    ],
)
def test_protocols(files: Files, wanted: list[str], chosen: str | None) -> None:
    context = config_of(files, alpn_protocols=wanted).create_ssl_context()
    assert context is not None
    assert handshake(context, ["h2", "http/1.1"]).selected_alpn_protocol() == chosen


def test_encrypted_key(files: Files) -> None:
    config = config_of(files, keyfile=files.encrypted_keyfile, keyfile_password=PASSWORD)
    assert isinstance(config.create_ssl_context(), ssl.SSLContext)


def test_demands_on_clients(files: Files) -> None:
    config = config_of(
        files,
        ca_certs=files.ca_certs,
        verify_mode="CERT_REQUIRED",
        verify_flags="VERIFY_X509_STRICT",
    )
    context = config.create_ssl_context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.verify_flags & ssl.VerifyFlags.VERIFY_X509_STRICT
    assert len(context.get_ca_certs()) == 1


def test_what_can_be_wrong(files: Files, tmp_path: Path) -> None:
    other = write_certificate(tmp_path, "other")
    text = tmp_path / "text"
    text.write_text("no certificate")
    nothing = str(tmp_path / "nothing")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"certfile": nothing}, f"certfile = {nothing!r}: No such file or directory"),
        ({"keyfile": nothing}, f"keyfile = {nothing!r}: No such file or directory"),
        (
            {"certfile": str(text)},
            f"certfile = {str(text)!r}: there is no certificate in PEM form",
        ),
        ({"keyfile": str(text)}, f"keyfile = {str(text)!r}: it has no usable private key"),
        (
            {"keyfile": other.keyfile},
            f"keyfile = {other.keyfile!r}: it is not the key of certfile",
        ),
        (
            {"keyfile": files.encrypted_keyfile},
            f"keyfile = {files.encrypted_keyfile!r}: it is encrypted, set keyfile_password",
        ),
        (
            {"keyfile": files.encrypted_keyfile, "keyfile_password": "wrong"},
            f"keyfile_password: it does not open keyfile {files.encrypted_keyfile!r}",
        ),
        ({"ca_certs": nothing}, f"ca_certs = {nothing!r}: No such file or directory"),
        ({"ca_certs": str(text)}, f"ca_certs = {str(text)!r}: there are no certificates"),
        ({"ciphers": "NONSENSE"}, "ciphers = 'NONSENSE': OpenSSL knows no such cipher"),
        ({"alpn_protocols": ["h3"]}, "alpn_protocols = ['h3']: this version serves none of them"),
    ]
    for changes, message in cases:
        with pytest.raises(ConfigError) as refused:
            config_of(files, **changes).create_ssl_context()
        assert str(refused.value).startswith(message)
        assert "\n" not in str(refused.value)


def test_certificate_for_applications(files: Files, tmp_path: Path) -> None:
    pem = certificate_pem(files.certfile)
    assert pem is not None
    assert pem.startswith("-----BEGIN CERTIFICATE-----\n")
    assert pem.count("BEGIN CERTIFICATE") == 1
    assert certificate_pem(None) is None
    assert certificate_pem(str(tmp_path / "nothing")) is None
