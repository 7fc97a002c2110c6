"""Workers that give way to new ones: no client notices."""

from __future__ import annotations

import signal

import pytest

from tests.integration.rolling.servers import WAYS, under_load
from tests.integration.serving import Certificates


@pytest.mark.parametrize(("worker_class", "sockets"), WAYS)
def test_new_configuration(worker_class: str, certificates: Certificates, sockets: str) -> None:
    with under_load(worker_class, certificates, sockets) as run:
        run.server.signal(signal.SIGHUP)
        run.server.await_stopped(2)
        run.server.signal(signal.SIGHUP)
        stopped = run.server.await_stopped(4)

    assert len(stopped) == 4
    assert not run.last & stopped


def test_new_workers(worker_class: str, certificates: Certificates) -> None:
    """All at once."""
    with under_load(worker_class, certificates, "--max-surge", "3", workers=3) as run:
        run.server.signal(signal.SIGUSR1)
        stopped = run.server.await_stopped(3)

    assert not run.last & stopped


def test_again_before_it_is_over(worker_class: str, certificates: Certificates) -> None:
    with under_load(worker_class, certificates) as run:
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP):
            run.server.signal(number)
        stopped = run.server.await_stopped(2)

    assert not run.last & stopped


def test_workers_that_have_served_enough(worker_class: str, certificates: Certificates) -> None:
    options = ("--max-requests", "200", "--max-requests-jitter", "100")
    with under_load(worker_class, certificates, *options) as run:
        stopped = run.server.await_stopped(3)

    assert len(stopped) >= 3
