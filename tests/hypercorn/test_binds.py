"""Binds: their grammar, the sockets that they become, and the errors of both."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hypercorn.binds import Bind, FDBind, TCPBind, UnixBind, parse_bind
from hypercorn.config import Config, ConfigError
from hypercorn.errors import BindError
from hypercorn.sockets import SocketTypeError, listen, open_sockets
from hypercorn.unix_sockets import UnixOwnership, UnixSocketFiles

needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here")


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        try:
            sock.bind(("::1", 0))
        except OSError:
            return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


@contextmanager
def opened(*binds: str, ownership: UnixOwnership | None = None) -> Iterator[list[socket.socket]]:
    sockets = open_sockets(binds, ownership or UnixOwnership())
    try:
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


@pytest.mark.parametrize(
    ("text", "bind"),
    [
        ("127.0.0.1:80", TCPBind("127.0.0.1", 80)),
        ("127.0.0.1", TCPBind("127.0.0.1", 8000)),
        ("localhost:0", TCPBind("localhost", 0)),
        (":80", TCPBind("", 80)),
        ("[::1]:80", TCPBind("::1", 80)),
        ("[::1]", TCPBind("::1", 8000)),
        ("[fe80::1%eth0]:80", TCPBind("fe80::1%eth0", 80)),
        ("::", TCPBind("::", 8000)),
        (":::80", TCPBind("::", 80)),
        ("unix:/run/a.sock", UnixBind("/run/a.sock")),
        ("unix:a:b", UnixBind("a:b")),
        ("fd://3", FDBind(3)),
        ("fd://web", FDBind("web")),
    ],
)
def test_grammar(text: str, bind: Bind) -> None:
    assert parse_bind(text) == bind


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("host:port", "'host:port' has the port 'port', it must be a number from 0 to 65535"),
        ("host:65536", "'host:65536' has the port '65536'"),
        ("host:", "'host:' has the port ''"),
        ("::1:80", "'::1:80' may or may not end in a port, write [IPV6]:PORT"),
        ("a:b:80", "'a:b:80' is not an address, write HOST:PORT or [IPV6]:PORT"),
        ("[::1", "'[::1' is not an address, write [IPV6]:PORT"),
        ("[::1]80", "'[::1]80' is not an address, write [IPV6]:PORT"),
        ("[host]:80", "'[host]:80' is not an address, write [IPV6]:PORT"),
        ("http://host:80", "'http://host:80' is not an address, write HOST:PORT or unix:PATH"),
        ("unix:", "'unix:' has no path, write unix:PATH"),
        ("fd://", "'fd://' has no number, write fd://N or fd://NAME"),
    ],
)
def test_grammar_errors(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_bind(text)
    assert str(refused.value).startswith(message)


def test_tcp_socket() -> None:
    with opened("127.0.0.1:0") as (sock,):
        assert sock.getsockname()[1] != 0
        assert sock.gettimeout() == 0
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) != 0
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_no_host_is_every_ipv4_address() -> None:
    with opened(":0") as (sock,):
        assert sock.getsockname()[0] == "0.0.0.0"


def test_a_name_is_bound_on_each_of_its_addresses() -> None:
    with opened("localhost:0") as sockets:
        assert {sock.getsockname()[0] for sock in sockets} <= {"127.0.0.1", "::1"}
        assert sockets


@needs_ipv6
def test_ipv6_wildcard_serves_ipv4_too() -> None:
    with opened("[::]:0") as (sock,):
        listen([sock], 1)
        port = sock.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            assert client.getpeername()[1] == port


@needs_ipv6
def test_ipv6_wildcard_beside_ipv4_on_the_same_port() -> None:
    with opened("127.0.0.1:0") as (sock,):
        port = sock.getsockname()[1]
    with opened(f"127.0.0.1:{port}", f"[::]:{port}") as sockets:
        listen(sockets, 1)
        assert [sock.family for sock in sockets] == [socket.AF_INET, socket.AF_INET6]


def test_address_in_use() -> None:
    with opened("127.0.0.1:0") as sockets:
        listen(sockets, 1)
        port = sockets[0].getsockname()[1]
        with pytest.raises(BindError) as refused:
            open_sockets([f"127.0.0.1:{port}"], UnixOwnership())
    assert str(refused.value) == (
        f"address already in use: 127.0.0.1:{port} - is another server running? "
        "choose another with --bind"
    )
    assert isinstance(refused.value, OSError)


def test_two_servers_that_bind_before_they_listen() -> None:
    with opened("127.0.0.1:0") as first:
        port = first[0].getsockname()[1]
        with opened(f"127.0.0.1:{port}") as second:
            listen(first, 1)
            with pytest.raises(BindError, match=f"address already in use: 127.0.0.1:{port}"):
                listen(second, 1)


@pytest.mark.parametrize(
    ("bind", "message"),
    [
        ("192.0.2.1:0", "this machine does not have the address 192.0.2.1:0"),
        ("no.such.name.invalid:0", "cannot resolve 'no.such.name.invalid': "),
    ],
)
def test_address_that_cannot_be_had(bind: str, message: str) -> None:
    with pytest.raises(BindError) as refused:
        open_sockets([bind], UnixOwnership())
    assert str(refused.value).startswith(message)


def test_nothing_stays_open_after_an_error() -> None:
    with opened("127.0.0.1:0") as (sock,):
        port = sock.getsockname()[1]
    with pytest.raises(BindError):
        open_sockets([f"127.0.0.1:{port}", "192.0.2.1:0"], UnixOwnership())
    with opened(f"127.0.0.1:{port}"):
        pass


# Unix sockets


@needs_unix
def test_unix_socket_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    ownership = UnixOwnership(umask=0o077, user=os.getuid(), group=os.getgid())
    before = os.umask(0o022)
    try:
        with opened(f"unix:{path}", ownership=ownership):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
            assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


@needs_unix
def test_nothing_stays_in_the_file_system_after_an_error(tmp_path: Path) -> None:
    with opened(f"unix:{tmp_path}/former") as sockets:
        listen(sockets, 1)
        with pytest.raises(BindError):
            open_sockets([f"unix:{tmp_path}/new", f"unix:{tmp_path}/former"], UnixOwnership())
        assert [path.name for path in tmp_path.iterdir()] == ["former"]


@needs_unix
def test_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with opened(f"unix:{path}"):
        pass
    assert path.exists()
    with opened(f"unix:{path}") as sockets:
        listen(sockets, 1)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


@needs_unix
def test_unix_socket_that_answers_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with opened(f"unix:{path}") as sockets:
        listen(sockets, 1)
        with pytest.raises(BindError, match=f"address already in use: unix:{path}"):
            open_sockets([f"unix:{path}"], UnixOwnership())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


@needs_unix
def test_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    path.write_text("precious")
    with pytest.raises(BindError, match="there is a file that is no socket"):
        open_sockets([f"unix:{path}"], UnixOwnership())
    assert path.read_text() == "precious"


@needs_unix
def test_unix_socket_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.sock"
    with pytest.raises(BindError, match=f"cannot bind unix:{path}: No such file"):
        open_sockets([f"unix:{path}"], UnixOwnership())


@needs_unix
def test_files_are_removed_unless_others_took_their_place(tmp_path: Path) -> None:
    ours, theirs = f"unix:{tmp_path}/ours", f"unix:{tmp_path}/theirs"
    files = UnixSocketFiles()
    with opened(ours, theirs):
        files.claim([ours, theirs, "127.0.0.1:80"])
        (tmp_path / "theirs").rename(tmp_path / "moved")
        with opened(theirs):
            files.remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moved", "theirs"]


# Inherited sockets


def test_inherited_socket() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1", 0))
        with opened(f"fd://{os.dup(sock.fileno())}") as (adopted,):
            assert adopted.getsockname() == sock.getsockname()


def test_inherited_socket_of_another_type() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        with pytest.raises(SocketTypeError, match="Unexpected socket type"):
            open_sockets([f"fd://{sock.fileno()}"], UnixOwnership())
        sock.getsockname()  # it is still open


def test_inherited_socket_that_is_none(tmp_path: Path) -> None:
    file = (tmp_path / "file").open("w")
    with file, pytest.raises(BindError, match=rf"fd://{file.fileno()} is not an open socket"):
        open_sockets([f"fd://{file.fileno()}"], UnixOwnership())


# Config


def test_binds_without_tls() -> None:
    config = Config.from_mapping(bind="127.0.0.1:0", insecure_bind="127.0.0.1:0")
    sockets = config.create_sockets()
    assert (len(sockets.secure_sockets), len(sockets.insecure_sockets)) == (0, 1)
    assert sockets.quic_sockets == []
    sockets.close()


def test_binds_with_tls() -> None:
    config = Config.from_mapping(
        bind="127.0.0.1:0", insecure_bind=["127.0.0.1:0"] * 2, certfile="c", keyfile="k"
    )
    sockets = config.create_sockets()
    assert (len(sockets.secure_sockets), len(sockets.insecure_sockets)) == (1, 2)
    assert all(sock.get_inheritable() for sock in sockets.stream_sockets)
    sockets.close()
