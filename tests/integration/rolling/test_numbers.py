"""More workers, and fewer: those that go are not missed."""

from __future__ import annotations

import signal

import pytest

from tests.integration.rolling.servers import WAYS, under_load
from tests.integration.serving import Certificates


@pytest.mark.parametrize(("worker_class", "sockets"), WAYS[::3])
def test_more_and_fewer(worker_class: str, certificates: Certificates, sockets: str) -> None:
    known: set[int] = set()
    with under_load(worker_class, certificates, sockets) as run:
        known |= run.first
        for _ in range(2):
            run.server.signal(signal.SIGTTIN)
            known.add(run.load.await_another(*known))
        # One by one: signals of one number that come at once are one signal.
        for fewer in (1, 2, 3):
            run.server.signal(signal.SIGTTOU)
            stopped = run.server.await_stopped(fewer)

    assert len(run.last) == 1
    assert not run.last & stopped
