"""Every server is told the same: one worker, this port, this application, no access log."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import servers
from benchmarks.servers import Certificate, Serving

EVERY = servers.choose(servers.NAMES, servers.WORKER_CLASSES)
CERTIFICATE = Certificate(Path("certificate.pem"), Path("key.pem"))


def names(chosen: list[servers.Server]) -> list[str]:
    """Give the names of servers."""
    return [server.name for server in chosen]


def test_ours_appears_once_for_each_worker_class() -> None:
    chosen = servers.choose(["uvicorn", "hypercorn"], ["trio", "asyncio"])

    assert names(chosen) == ["uvicorn", "hypercorn (trio)", "hypercorn (asyncio)"]
    assert len({server.environment for server in chosen}) == 2


@pytest.mark.parametrize(("chosen", "classes"), [(["nginx"], []), (["hypercorn"], ["curio"])])
def test_what_is_not_known_is_refused(chosen: list[str], classes: list[str]) -> None:
    with pytest.raises(ValueError, match=r"nothing is named (nginx|curio); there are hypercorn"):
        servers.choose(chosen, classes)


def test_names_are_unique_and_the_baseline_is_one_of_them() -> None:
    assert len(set(names(EVERY))) == len(EVERY)
    assert servers.UVICORN in EVERY


@pytest.mark.parametrize("server", EVERY, ids=names(EVERY))
def test_what_every_server_is_told(server: servers.Server) -> None:
    words = server.command(Serving(4321, "module:app"))

    assert "--workers 1" in " ".join(words)
    assert "4321" in " ".join(words)
    assert words[-1] == "module:app"
    assert not {str(CERTIFICATE.key), "600"} & set(words)


@pytest.mark.parametrize("server", EVERY, ids=names(EVERY))
def test_several_workers(server: servers.Server) -> None:
    assert "--workers 2" in " ".join(server.command(Serving(4321, "module:app", workers=2)))


@pytest.mark.parametrize("server", EVERY, ids=names(EVERY))
def test_a_certificate_and_many_connections_are_told_too(server: servers.Server) -> None:
    plain = server.command(Serving(4321, "module:app"))
    words = server.command(Serving(4321, "module:app", CERTIFICATE, idle_connections=10_000))

    assert {str(CERTIFICATE.certificate), str(CERTIFICATE.key)} <= set(words)
    assert {"600", "60000"} & set(words)
    assert set(plain) < set(words)


def test_the_address_says_whether_there_is_tls() -> None:
    assert Serving(80, "module:app").url == "http://127.0.0.1:80/"
    assert Serving(443, "module:app", CERTIFICATE).url == "https://127.0.0.1:443/"


def test_ours_is_installed_anew_when_a_manifest_changes() -> None:
    ours = servers.hypercorn()

    assert len(ours.manifests) == 4
    assert all(path.is_file() for path in ours.manifests)
