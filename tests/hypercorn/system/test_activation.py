"""Socket activation: descriptors and names, as a service manager passes them."""

from __future__ import annotations

import json
import os
import socket

import pytest

from hypercorn.errors import ConfigError
from hypercorn.system.activation import inherited_descriptors
from tests.hypercorn.system.children import result_of

MANAGER = """
import fcntl, json, os, sys
given, variables, server = json.loads(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
# What a service manager does between fork and exec.
out_of_the_way = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in given]
for index, fd in enumerate(out_of_the_way):
    os.dup2(fd, 3 + index)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(given)), **variables)
os.execv(sys.executable, [sys.executable, "-c", server])
"""

SERVER = """
import json, os, socket
from hypercorn.system.activation import inherited_descriptors
found = inherited_descriptors(os.environ)
about = [
    [each.name, os.get_inheritable(each.fd), *socket.socket(fileno=each.fd).getsockname()]
    for each in found
]
left = [name for name in os.environ if name.startswith("LISTEN_")]
print(json.dumps([about, left + inherited_descriptors(os.environ)]))
"""

TOO_FEW = """
import os
from hypercorn.errors import ConfigError
from hypercorn.system.activation import inherited_descriptors
try:
    inherited_descriptors({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1000000"})
except ConfigError as error:
    print(error)
"""


def passed(*listeners: socket.socket, **variables: str) -> list[list[object]]:
    """Name, inheritability and address of what a server was passed."""
    descriptors = tuple(each.fileno() for each in listeners)
    shown = result_of(
        MANAGER, json.dumps(descriptors), json.dumps(variables), SERVER, pass_fds=descriptors
    )
    about: list[list[object]]
    about, left = json.loads(shown)
    assert left == []
    return about


def test_sockets_with_names() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        assert passed(one, two, LISTEN_FDNAMES="web:admin", LISTEN_PIDFDID="1") == [
            ["web", False, *one.getsockname()],
            ["admin", False, *two.getsockname()],
        ]


def test_a_socket_without_a_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        assert passed(one) == [["unknown", False, *one.getsockname()]]


def test_no_sockets() -> None:
    assert passed() == []
    assert inherited_descriptors({}) == []


def test_sockets_of_another_process_are_not_ours() -> None:
    environment = {"LISTEN_PID": str(os.getppid()), "LISTEN_FDS": "1", "HOME": "/"}
    assert inherited_descriptors(environment) == []
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LISTEN_FDS", "-1"),
        ("LISTEN_FDS", "one"),
        ("LISTEN_PID", "self"),
        ("LISTEN_FDNAMES", "a:b"),
    ],
)
def test_a_wrong_value_is_told(variable: str, value: str) -> None:
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", variable: value}
    with pytest.raises(ConfigError, match=f"^{variable} = {value!r}: "):
        inherited_descriptors(environment)


def test_descriptors_that_are_not_open_are_told() -> None:
    assert "LISTEN_FDS = 1000000: descriptor " in result_of(TOO_FEW)
