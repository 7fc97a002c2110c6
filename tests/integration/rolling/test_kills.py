"""Workers that are killed: what was inside of them fails, and nothing else."""

from __future__ import annotations

import pytest

from tests.integration.rolling.servers import WAYS, under_load
from tests.integration.serving import Certificates


@pytest.mark.parametrize(("worker_class", "sockets"), WAYS)
def test_kills(worker_class: str, certificates: Certificates, sockets: str) -> None:
    killed: list[int] = []
    with under_load(worker_class, certificates, sockets) as run:
        for _ in range(3):
            killed.append(run.load.await_another(*killed))
            run.server.kill_worker(killed[-1])

    assert not run.last & {*killed}
