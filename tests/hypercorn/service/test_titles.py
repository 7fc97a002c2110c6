"""What the processes are called in ``ps``."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.hypercorn.service.services import asked, service

TCP = ("--bind", "127.0.0.1:0")


def title_of(pid: int) -> str:
    return " ".join(psutil.Process(pid).cmdline()).rstrip()


@pytest.mark.parametrize("way", [(), ("--preload",)], ids=["spawned", "preloaded"])
def test_supervisor_and_worker(tmp_path: Path, way: tuple[str, ...]) -> None:
    with service(tmp_path, *TCP, *way) as server:
        worker = asked(server.wait_for_address())["pid"]
        assert title_of(server.pid) == "hypercorn: supervisor [served_app:app]"
        assert title_of(worker) == "hypercorn: worker 1 [served_app:app]"


def test_without_a_supervisor(tmp_path: Path) -> None:
    with service(tmp_path, *TCP, "--workers", "0") as server:
        server.wait_for_address()
        assert title_of(server.pid) == "hypercorn: worker [served_app:app]"


def test_name_of_ones_own(tmp_path: Path) -> None:
    with service(tmp_path, *TCP, "--process-name", "shop") as server:
        worker = asked(server.wait_for_address())["pid"]
        assert title_of(server.pid) == "shop: supervisor [served_app:app]"
        assert title_of(worker) == "shop: worker 1 [served_app:app]"


def test_no_name(tmp_path: Path) -> None:
    with service(tmp_path, *TCP, "--process-name", "") as server:
        server.wait_for_address()
        assert "-m hypercorn --bind" in title_of(server.pid)
