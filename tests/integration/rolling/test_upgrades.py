"""A server that takes another one's place: it gets what the old one would have got."""

from __future__ import annotations

import signal

import pytest

from tests.integration.rolling.servers import WAYS, under_load
from tests.integration.serving import Certificates


@pytest.mark.parametrize(("worker_class", "sockets"), WAYS)
def test_upgrade(worker_class: str, certificates: Certificates, sockets: str) -> None:
    with under_load(worker_class, certificates, sockets) as run:
        run.server.signal(signal.SIGUSR2)
        run.server.await_successor()
        second = run.load.await_rounds()
        run.server.signal(signal.SIGHUP)
        run.server.await_stopped(2)

    assert not run.first & second
    assert not run.last & second
