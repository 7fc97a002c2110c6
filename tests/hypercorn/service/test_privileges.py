"""``--user``, ``--group`` and ``--umask``: bound with the rights of root, served without them.

As root the real thing is tried; as another user, that it is refused, or that what needs no rights
works all the same.
"""

from __future__ import annotations

import functools
import grp
import os
import pwd
import signal
import stat
import sys
from pathlib import Path

import pytest

from tests.hypercorn.certificates import write_certificate
from tests.hypercorn.service import services
from tests.hypercorn.service.services import IS_ROOT, SELF_APP, STRANGER, asked, free_low_port

TCP = ("--bind", "127.0.0.1:0")
UNIX = ("--bind", "unix:server.sock")
WAYS = pytest.mark.parametrize(
    "way", [("--workers", "0"), ("--workers", "1"), ("--preload",)], ids=" ".join
)
USER = STRANGER if IS_ROOT else os.geteuid()
GROUP = STRANGER + 1 if IS_ROOT else os.getegid()
WRITING_APP = SELF_APP + "\nopen('made', 'w').close()\n"


def closed_to_others(path: Path) -> Path | None:
    """The outermost folder of this path that only its owner may enter."""
    folders = [*reversed(path.parents), path]
    return next((each for each in folders if not each.stat().st_mode & stat.S_IXOTH), None)


def opening() -> tuple[str, ...]:
    """The command that another one goes through so that all users have this Python: root's own is
    in root's home perhaps, which is then, for that command alone, another folder."""
    python = Path(sys.base_prefix).resolve()
    closed = closed_to_others(python)
    if not IS_ROOT or closed is None:
        return ()
    script = f"""
        mount --bind {python} /mnt && mount -t tmpfs -o mode=755 tmpfs {closed} &&
        mkdir -p {python} && mount --move /mnt {python} && exec "$@"
    """
    return ("unshare", "--mount", "sh", "-c", script, "sh")


OPENING = opening()
service = functools.partial(services.service, through=OPENING)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that strangers may read; only its owner writes to it."""
    while (closed := closed_to_others(tmp_path)) is not None:
        closed.chmod(closed.stat().st_mode | stat.S_IXOTH)
    tmp_path.chmod(0o755)
    return tmp_path


def as_ids(user: int = USER, group: int = GROUP) -> tuple[str, ...]:
    return ("--user", str(user), "--group", str(group))


@WAYS
def test_workers_are_the_user(folder: Path, way: tuple[str, ...]) -> None:
    with service(folder, *TCP, *as_ids(), "--umask", "027", *way) as server:
        about = asked(server.wait_for_address())
        assert (about["user"], about["group"], about["umask"]) == (USER, GROUP, 0o027)
        if IS_ROOT:
            assert about["groups"] == [GROUP]
        assert server.stop() == 0


def test_names_bring_the_groups_of_the_user(folder: Path) -> None:
    users = [each for each in pwd.getpwall() if each.pw_uid not in (0, os.geteuid())]
    user = users[0] if IS_ROOT else pwd.getpwuid(os.geteuid())
    with service(folder, *TCP, "--user", user.pw_name) as server:
        about = asked(server.wait_for_address())
        assert about["user"] == user.pw_uid
        if IS_ROOT:
            assert about["groups"] == sorted(os.getgrouplist(user.pw_name, user.pw_gid))
    group = grp.getgrgid(user.pw_gid)
    with service(folder, *TCP, "--user", user.pw_name, "--group", group.gr_name) as server:
        assert asked(server.wait_for_address())["group"] == group.gr_gid


@pytest.mark.parametrize("option", ["--user", "--group"])
def test_name_that_nobody_has(folder: Path, option: str) -> None:
    with service(folder, *TCP, option, "nobody-has-this") as server:
        assert server.wait_for_end() == 2
        assert f"{option} nobody-has-this" in server.output


@pytest.mark.parametrize("option", ["user", "group"])
def test_only_root_becomes_another(folder: Path, option: str) -> None:
    dropping = ("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups")
    through = (*OPENING, *dropping) if IS_ROOT else ()
    folder.chmod(0o777)
    with services.service(folder, *UNIX, f"--{option}", "12345", through=through) as server:
        assert server.wait_for_end() == 2
    assert f"{option} = 12345: only root can become another {option};" in server.output
    assert not (folder / "server.sock").exists()


@WAYS
def test_key_that_only_root_may_read(folder: Path, way: tuple[str, ...]) -> None:
    files = write_certificate(folder)
    os.chmod(files.keyfile, 0o600)
    tls = ("--certfile", files.certfile, "--keyfile", files.keyfile)
    with service(folder, *TCP, *tls, *as_ids(), *way) as server:
        address = server.wait_for_address()
        assert asked(address, files.ca_certs)["user"] == USER
        if " ".join(way) != "--workers 0":
            server.send_signal(signal.SIGHUP)
            server.wait_for("has stopped, another one serves")
            assert asked(address, files.ca_certs)["user"] == USER


@WAYS
def test_privileged_port(folder: Path, way: tuple[str, ...]) -> None:
    with service(folder, "--bind", f"127.0.0.1:{free_low_port()}", *as_ids(), *way) as server:
        if IS_ROOT:
            assert asked(server.wait_for_address())["user"] == USER
            assert server.stop() == 0
        else:
            assert server.wait_for_end() == 2
            assert "ports below 1024" in server.output


@WAYS
def test_files_that_the_application_makes(folder: Path, way: tuple[str, ...]) -> None:
    folder.chmod(0o777)
    arguments = (*TCP, *as_ids(), "--umask", "077", *way)
    with service(folder, *arguments, app=WRITING_APP) as server:
        server.wait_for_address()
        made = (folder / "made").stat()
        assert (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode)) == (USER, GROUP, 0o600)


@WAYS
def test_unix_socket(folder: Path, way: tuple[str, ...]) -> None:
    arguments = (*UNIX, *as_ids(), "--umask", "007", *way)
    with service(folder, *arguments) as server:
        server.wait_for("Running on ")
        status = (folder / "server.sock").stat()
        assert (status.st_uid, status.st_gid) == (USER, GROUP)
        assert stat.S_IMODE(status.st_mode) == 0o770
        assert asked(folder / "server.sock")["user"] == USER
        assert server.stop() == 0
    # Without a supervisor nobody is left who may write to the folder.
    assert (folder / "server.sock").exists() == (IS_ROOT and way == ("--workers", "0"))
    with service(folder, *arguments) as server:
        server.wait_for("Running on ")


@pytest.mark.parametrize(("umask", "mode"), [("117", 0o660), ("0o077", 0o700), ("0", 0o777)])
def test_mode_of_a_unix_socket(folder: Path, umask: str, mode: int) -> None:
    with service(folder, *UNIX, "--umask", umask) as server:
        server.wait_for("Running on ")
        assert stat.S_IMODE((folder / "server.sock").stat().st_mode) == mode


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
@pytest.mark.parametrize("way", [(), ("--preload",)], ids=["spawned", "preloaded"])
def test_log_in_a_folder_of_root_is_rotated(
    folder: Path, number: signal.Signals, way: tuple[str, ...]
) -> None:
    log, rotated = folder / "access.log", folder / "access.log.1"
    with service(folder, *TCP, *as_ids(), "--access-logfile", str(log), *way) as server:
        address = server.wait_for_address()
        former = asked(address)["pid"]
        log.rename(rotated)
        server.send_signal(number)
        server.wait_for(f"Worker {former} has stopped")
        assert asked(address)["pid"] != former
        assert server.stop() == 0
    assert (log.stat().st_uid, log.stat().st_gid) == (USER, GROUP)
    assert [len(path.read_text().splitlines()) for path in (rotated, log)] == [1, 1]


@pytest.mark.parametrize("umask", ["8", "-1", "rwx"])
def test_umask_is_octal(folder: Path, umask: str) -> None:
    with service(folder, *TCP, "--umask", umask) as server:
        assert server.wait_for_end() == 2
        assert f"--umask {umask}" in server.output


def test_upgrade_keeps_the_rights_to_bind(folder: Path) -> None:
    with service(folder, *UNIX, *as_ids()) as server:
        server.wait_for("Running on ")
        server.send_signal(signal.SIGUSR2)
        successor = server.wait_for_successor()
        assert server.wait_for_first_to_end() == 0
        about = asked(folder / "server.sock")
        assert (about["user"], about["parent"]) == (USER, successor)
