"""The pid file: written whole, refused to a second server, taken from dead ones, and removed."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from hypercorn.errors import ConfigError
from hypercorn.system.pid_file import PIDFile, _is_alive
from tests.hypercorn.system.children import PATIENCE, child

NO_PROCESS = 2**22 + 1
"""More than any process id of Linux."""

SERVER = """
import os, sys
from hypercorn.system.pid_file import PIDFile
PIDFile(sys.argv[1]).acquire()
print(os.getpid(), flush=True)
sys.stdin.read()
"""

SERVER_WITH_FORKED_WORKER = """
import os, sys
from hypercorn.system.pid_file import PIDFile
PIDFile(sys.argv[1]).acquire()
server = os.getpid()
reader, writer = os.pipe()
if os.fork() == 0:
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.write(writer, b"forked")
    sys.stdin.read()
    os._exit(0)
os.read(reader, 1)  # by now the worker has done what is done after a fork
print(server, flush=True)
os._exit(0)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.pid"


def test_holds_the_id_of_this_process(path: Path) -> None:
    assert PIDFile(str(path)).acquire() is None
    assert path.read_text() == str(os.getpid())


def test_everybody_may_read_it_whatever_the_umask(path: Path) -> None:
    former = os.umask(0o077)
    try:
        PIDFile(str(path)).acquire()
    finally:
        os.umask(former)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_leaves_no_drafts(path: Path) -> None:
    path.write_text("1")
    file = PIDFile(str(path))
    file.acquire()
    file.take_over()
    assert os.listdir(path.parent) == [path.name]


def test_is_removed_at_the_end(path: Path) -> None:
    file = PIDFile(str(path))
    file.acquire()
    file.release()
    file.release()
    assert not path.exists()
    assert file.acquire() is None


def test_another_file_in_its_place_stays(path: Path) -> None:
    file = PIDFile(str(path))
    file.acquire()
    path.rename(path.with_suffix(".old"))
    path.write_text(str(os.getpid()))
    file.release()
    assert path.exists()


def test_one_that_was_removed_by_others_is_no_error(path: Path) -> None:
    file = PIDFile(str(path))
    file.acquire()
    path.unlink()
    file.release()


@pytest.mark.parametrize("pid", [NO_PROCESS, 1, os.getpid()], ids=["nobody", "somebody", "us"])
def test_a_file_without_a_server_is_stale_whoever_has_its_id_now(path: Path, pid: int) -> None:
    path.write_text(f"{pid}\n")
    assert PIDFile(str(path)).acquire() == pid
    assert path.read_text() == str(os.getpid())


@pytest.mark.parametrize("content", [b"", b"\n", bytes(4)])
def test_what_a_crash_of_the_system_leaves_is_stale(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert PIDFile(str(path)).acquire() is None


def test_a_living_server_keeps_it_until_it_is_killed(path: Path) -> None:
    with child(SERVER, str(path)) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        with pytest.raises(ConfigError, match=f"process {pid} is running with it; stop that one"):
            PIDFile(str(path)).acquire()
        assert path.read_text() == str(pid)
        server.kill()
        server.wait(PATIENCE)
        assert PIDFile(str(path)).acquire() == pid


def test_forked_workers_do_not_keep_it(path: Path) -> None:
    with child(SERVER_WITH_FORKED_WORKER, str(path)) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        server.wait(PATIENCE)
        assert PIDFile(str(path)).acquire() == pid


def test_one_of_many_that_start_at_once_gets_it(path: Path) -> None:
    path.write_text(str(NO_PROCESS))
    assert len(_acquired_at_once(path)) == 1


def test_one_of_many_that_start_at_once_without_a_former_one_gets_it(path: Path) -> None:
    assert len(_acquired_at_once(path)) == 1
    assert os.listdir(path.parent) == [path.name]


def _acquired_at_once(path: Path) -> list[PIDFile]:
    acquired: list[PIDFile] = []
    barrier = threading.Barrier(8)

    def acquire() -> None:
        file = PIDFile(str(path))
        barrier.wait(PATIENCE)
        try:
            file.acquire()
        except ConfigError:
            return
        acquired.append(file)

    threads = [threading.Thread(target=acquire) for _ in range(barrier.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return acquired


def test_a_successor_takes_it_from_a_living_server(path: Path) -> None:
    former, successor = PIDFile(str(path)), PIDFile(str(path))
    former.acquire()
    assert successor.take_over() == os.getpid()
    former.release()
    assert path.read_text() == str(os.getpid())
    with pytest.raises(ConfigError, match="is running with it"):
        PIDFile(str(path)).acquire()
    successor.release()
    assert not path.exists()


def test_a_server_whose_successor_failed_takes_it_back(path: Path) -> None:
    former, successor = PIDFile(str(path)), PIDFile(str(path))
    former.acquire()
    successor.take_over()
    former.take_over()
    successor.release()
    with pytest.raises(ConfigError, match="is running with it"):
        PIDFile(str(path)).acquire()
    former.release()
    assert not path.exists()


def test_a_symbolic_link_stays(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "server.pid"
    target.parent.mkdir()
    path.symlink_to(target)
    file = PIDFile(str(path))
    file.acquire()
    assert path.is_symlink()
    assert target.read_text() == str(os.getpid())
    file.release()
    assert not target.exists()


def test_the_folder_may_change(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    file = PIDFile(path.name)
    file.acquire()
    monkeypatch.chdir("/")
    file.release()
    assert not path.exists()


def test_a_file_that_is_something_else_is_not_destroyed(path: Path) -> None:
    path.write_text("import app\n")
    for write in (PIDFile(str(path)).acquire, PIDFile(str(path)).take_over):
        with pytest.raises(ConfigError, match="what is there is no pid file; remove it or"):
            write()
    assert path.read_text() == "import app\n"


def test_what_is_no_file_is_refused(path: Path) -> None:
    os.mkfifo(path)
    for each in (path, path.parent):
        with pytest.raises(ConfigError, match="what is there is no pid file"):
            PIDFile(str(each)).acquire()


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_a_folder_that_is_none_is_told(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    path = str(tmp_path / folder / "server.pid")
    with pytest.raises(ConfigError, match=f"pid_path = {path!r}: cannot be written: .*; choose"):
        PIDFile(path).acquire()


def test_without_locks_the_process_tells() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    unlockable = writer
    assert _is_alive(unlockable, os.getppid())
    assert not _is_alive(unlockable, NO_PROCESS)
    assert not _is_alive(unlockable, os.getpid())
    assert not _is_alive(unlockable, None)
