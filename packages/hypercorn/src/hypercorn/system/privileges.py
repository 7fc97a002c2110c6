"""Privileges: the user, group and umask that the server goes on with after it has bound.

Knows: the order in which rights are given up, and that they are gone.
Must not know: what needed them.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection
from typing import NamedTuple

from hypercorn.errors import ConfigError

if sys.platform != "win32":
    import pwd

__all__ = ["Privileges"]

UNCHANGED = -1
ROOT = 0


class _Account(NamedTuple):
    name: str
    group: int


class Privileges:
    """A user and a group by their ids, and a umask; None leaves each as it is.

    A user alone brings the groups that the user has.
    """

    def __init__(self, user: int | None, group: int | None, umask: int | None) -> None:
        self._user = user
        self._group = group
        self._umask = umask

    def check(self) -> None:
        """Raise ConfigError if this process cannot take them; nothing is changed."""
        if self._user is None and self._group is None:
            return
        if sys.platform == "win32":
            option = "user" if self._user is not None else "group"
            raise ConfigError(
                f"{option} = {getattr(self, f'_{option}')}: this system has no such ids; "
                f"leave --{option} out and start the server as the user who shall run it"
            )
        if os.geteuid() != ROOT:
            _refuse_other("user", self._user, [os.geteuid()])
            # One of its groups gives it rights already, and is what its unix sockets may have.
            _refuse_other("group", self._group, [os.getegid(), *os.getgroups()])
        elif self._user is not None and self._primary_group() is None:
            raise ConfigError(
                f"user = {self._user}: this system does not know the user, nor the group; "
                "give the group as well, with --group"
            )

    def drop(self) -> None:
        """Become them, for good. Raises ConfigError as :meth:`check` does, and if this process
        may not, or could become root again."""
        self.check()
        if self._umask is not None:
            os.umask(self._umask)
        if sys.platform == "win32" or os.geteuid() != ROOT:
            return
        try:
            self._take_groups()
            if self._user is not None:
                os.setuid(self._user)
        except OSError as error:
            raise ConfigError(
                f"cannot become user {self._user} and group {self._group}: {error.strerror}; "
                "leave --user and --group out or give the server the rights to"
            ) from None
        if self._user not in {None, ROOT}:
            self._verify_gone()

    def give(self, path: str) -> None:
        """Make a file theirs, such as a log file that has to be opened again later.

        Only root can, and for others it is theirs already. A symbolic link, and what is no
        regular file, stays as it is: in a folder that others write to, root would be led to give
        away any file, and terminals and pipes are not the server's. Raises ConfigError.
        """
        if sys.platform == "win32" or os.geteuid() != ROOT or os.path.islink(path):
            return
        if self._user is None and self._group is None:
            return
        try:
            _change_owner(path, self._user, self._primary_group())
        except OSError as error:
            raise ConfigError(
                f"cannot give {path!r} to user {self._user} and group {self._group}: "
                f"{error.strerror}"
            ) from None

    def _take_groups(self) -> None:
        """The groups come before the user, who could not change them."""
        group = self._primary_group()
        if sys.platform == "win32" or group is None:
            return
        os.setgid(group)
        account = _account(self._user)
        if account is None:
            os.setgroups([group])
        else:
            os.initgroups(account.name, group)

    def _primary_group(self) -> int | None:
        if self._group is not None:
            return self._group
        account = _account(self._user)
        return None if account is None else account.group

    def _verify_gone(self) -> None:
        """Kernels can be set up so that setuid(2) leaves the capabilities of root (securebits)."""
        if sys.platform == "win32":
            return
        try:
            os.setuid(ROOT)
        except PermissionError:
            return
        raise ConfigError(
            f"user = {self._user}: the server could become root again; "
            "leave --user out and have the service manager change the user"
        )


def _refuse_other(option: str, wanted: int | None, own: Collection[int]) -> None:
    if wanted is not None and wanted not in own:
        raise ConfigError(
            f"{option} = {wanted}: only root can become another {option}; "
            f"start the server as root or leave --{option} out"
        )


def _account(user: int | None) -> _Account | None:
    """What the system knows of a user; None if nothing."""
    if sys.platform == "win32" or user is None:
        return None
    try:
        entry = pwd.getpwuid(user)
    except KeyError:
        return None
    return _Account(entry.pw_name, entry.pw_gid)


def _change_owner(path: str, user: int | None, group: int | None) -> None:
    if sys.platform == "win32":
        return
    # Whatever the path has become since it was looked at.
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.fchown(
                file,
                UNCHANGED if user is None else user,
                UNCHANGED if group is None else group,
            )
    finally:
        os.close(file)
