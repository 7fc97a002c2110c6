"""Privileges: refused to those who are not root, and gone for good once root has dropped them.

As root the real thing is tried in processes of their own; as another user, that it is refused.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hypercorn.errors import ConfigError
from hypercorn.system.privileges import Privileges
from tests.hypercorn.system.children import result_of

IS_ROOT = os.geteuid() == 0
STRANGER = 54321
"""A user that no system knows."""

AFTER_DROP = """
import json, os, sys
from hypercorn.errors import ConfigError
from hypercorn.system.privileges import Privileges
try:
    Privileges(*json.loads(sys.argv[1])).drop()
except ConfigError as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({
        "user": os.getuid(),
        "effective": os.geteuid(),
        "groups": sorted({*os.getgroups(), os.getegid()}),
        "umask": os.umask(0),
    }))
"""


def after_drop(user: int | None, group: int | None, umask: int | None = None) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(
        result_of(AFTER_DROP, json.dumps([user, group, umask])),
    )
    return result


def own_groups() -> list[int]:
    return sorted({*os.getgroups(), os.getegid()})


def test_nothing_changes_without_options() -> None:
    Privileges(None, None, None).check()
    found = after_drop(None, None)
    assert (found["user"], found["groups"]) == (os.getuid(), own_groups())


def test_the_umask_is_taken_by_anybody() -> None:
    assert after_drop(None, None, 0o027)["umask"] == 0o027


def test_user_and_group_of_this_process_are_no_change() -> None:
    found = after_drop(os.geteuid(), os.getegid())
    assert (found["user"], found["effective"]) == (os.getuid(), os.geteuid())
    assert os.getegid() in found["groups"]


def test_a_user_that_the_system_does_not_know() -> None:
    found = after_drop(STRANGER, STRANGER)
    if IS_ROOT:
        expected: dict[str, object] = {
            "user": STRANGER,
            "effective": STRANGER,
            "groups": [STRANGER],
        }
        assert found.items() >= expected.items()
    else:
        assert found["error"].startswith(f"user = {STRANGER}: only root can become another user;")


def test_a_user_without_a_group_has_to_be_known() -> None:
    message = "give the group as well" if IS_ROOT else "only root can become another user"
    with pytest.raises(ConfigError, match=f"user = {STRANGER}: .*{message}"):
        Privileges(STRANGER, None, None).check()


def test_a_known_user_brings_its_groups() -> None:
    import pwd

    user = next(entry for entry in pwd.getpwall() if entry.pw_uid != os.geteuid())
    found = after_drop(user.pw_uid, None)
    if IS_ROOT:
        assert found["user"] == user.pw_uid
        assert found["groups"] == sorted(os.getgrouplist(user.pw_name, user.pw_gid))
    else:
        assert "only root can become another user" in found["error"]


def test_a_group_alone() -> None:
    found = after_drop(None, STRANGER)
    if IS_ROOT:
        assert (found["user"], found["groups"]) == (0, [STRANGER])
    else:
        assert found["error"].startswith(
            f"group = {STRANGER}: only root can become another group;"
        )


def test_an_id_that_cannot_be_is_told() -> None:
    no_id = 2**32 - 1
    found = after_drop(no_id, no_id)
    if IS_ROOT:
        assert found["error"].startswith(f"cannot become user {no_id} and group {no_id}: ")
    else:
        assert "only root can become another user" in found["error"]


def test_log_files_are_given_away(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    path.touch()
    Privileges(STRANGER, STRANGER + 1, None).give(str(path))
    expected = (STRANGER, STRANGER + 1) if IS_ROOT else (os.geteuid(), path.stat().st_gid)
    assert (path.stat().st_uid, path.stat().st_gid) == expected


def test_what_is_no_plain_file_is_kept(tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "secret", tmp_path / "error.log", tmp_path / "pipe"
    target.touch()
    link.symlink_to(target)
    os.mkfifo(pipe)
    privileges = Privileges(STRANGER, STRANGER, None)
    privileges.give(str(link))
    privileges.give(str(pipe))
    assert {path.lstat().st_uid for path in (target, link, pipe)} == {os.geteuid()}


def test_a_file_is_kept_without_user_and_group(tmp_path: Path) -> None:
    Privileges(None, None, 0o022).give(str(tmp_path / "missing"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "missing")
    if IS_ROOT:
        with pytest.raises(ConfigError, match=f"cannot give {path!r} to user {STRANGER} and"):
            Privileges(STRANGER, None, None).give(path)
    else:
        Privileges(STRANGER, None, None).give(path)
