"""Who has which listening sockets, and that none of them is closed while it is needed."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from hypercorn.config import Config
from hypercorn.errors import BindError
from hypercorn.inheritance import Offer
from hypercorn.sockets import BALANCING, has_own_queue
from hypercorn.supervision.listening import ListeningSockets

Open = Callable[..., ListeningSockets]

balancing = BALANCING is not None


@pytest.fixture
def opened() -> Iterator[Open]:
    """Give a way to open the sockets of a configuration, which are closed at the end."""
    with ExitStack() as stack:

        def open_(*held: ListeningSockets, **options: object) -> ListeningSockets:
            config = Config.from_mapping({"bind": "127.0.0.1:0", "workers": 2, **options})
            return stack.enter_context(closing(ListeningSockets(config, *held)))

        yield open_


def name(sock: socket.socket) -> object:
    return sock.getsockname()


@contextmanager
def no_more_descriptors(*, but: int) -> Iterator[None]:
    """Inside, this process can open no more than so many."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(but + 1)]
        highest = max(each.fileno() for each in opened)
        for sock in opened[:but]:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, limits[1]))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        yield


def connect(address: object) -> socket.socket:
    assert isinstance(address, tuple)
    return socket.create_connection(address)


def accept(sockets: list[socket.socket]) -> int:
    """Accept all that waits; returns how many."""
    accepted = 0
    for sock in sockets:
        while True:
            try:
                sock.accept()[0].close()
            except BlockingIOError:
                break
            accepted += 1
    return accepted


def test_each_worker_has_a_queue_of_its_own_where_the_system_balances(opened: Open) -> None:
    sockets = opened(workers=3)
    (first,), (second,), (third,) = (sockets.of(i).insecure_sockets for i in (1, 2, 3))
    assert name(first) == name(second) == name(third)
    assert has_own_queue(first) is has_own_queue(third) is balancing
    assert sockets.are_balanced is balancing
    assert len(sockets.own_queues_of(2).insecure_sockets) == balancing
    clients = [connect(name(first)) for _ in range(60)]
    assert accept([first, second, third]) == 60
    for client in clients:
        client.close()


def test_queue_is_shared_if_that_is_wanted(opened: Open) -> None:
    sockets = opened(reuse_port=False)
    assert not sockets.are_balanced
    with connect(name(sockets.of(1).insecure_sockets[0])):
        assert accept(sockets.of(2).insecure_sockets) == 1


def test_unix_sockets_are_shared(opened: Open, tmp_path: Path) -> None:
    sockets = opened(bind=[f"unix:{tmp_path}/a.sock", "127.0.0.1:0"])
    (unix, _), (other, _) = sockets.of(1).insecure_sockets, sockets.of(2).insecure_sockets
    assert name(unix) == name(other)
    assert unix.fileno() != other.fileno()
    assert [each.family for each in sockets.own_queues_of(1).stream_sockets] == (
        [socket.AF_INET] if balancing else []
    )


@pytest.mark.skipif(not balancing, reason="workers have a queue in common")
def test_socket_that_is_given_is_the_only_one(opened: Open) -> None:
    """Though systemd (ReusePort=) lets others join: they might not be allowed to, and connections
    are to wait while no server runs."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True, backlog=60) as given:
        given.setblocking(False)
        sockets = opened(bind=f"fd://{given.fileno()}")
        assert not sockets.are_balanced
        clients = [connect(name(given)) for _ in range(60)]
        sockets.close()
        assert accept([given]) == 60
        for client in clients:
            client.close()


def test_later_workers_get_theirs(opened: Open) -> None:
    sockets = opened()
    (fourth,) = sockets.of(4).insecure_sockets
    assert name(fourth) == name(sockets.of(1).insecure_sockets[0])
    assert len(sockets) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_place_that_cannot_be_made_is_made_later(opened: Open) -> None:
    sockets = opened(workers=1, bind=["127.0.0.1:0", "127.0.0.1:0"])
    with no_more_descriptors(but=1), pytest.raises(OSError, match="Too many open files"):
        sockets.of(2)
    assert len(sockets.of(2).insecure_sockets) == 2


def test_address_of_another_server_is_refused(opened: Open) -> None:
    """Though the system would let servers share it."""
    (sock,) = opened().of(1).insecure_sockets
    with pytest.raises(BindError, match="address already in use"):
        opened(bind=f"127.0.0.1:{sock.getsockname()[1]}")


def test_new_configuration_keeps_what_it_can(opened: Open) -> None:
    former = opened(bind=["127.0.0.1:0", "127.0.0.1:0"])
    kept, dropped = (name(sock) for sock in former.of(1).insecure_sockets)
    with connect(kept) as waiting:
        sockets = opened(former, bind=[f"127.0.0.1:{kept[1]}", "127.0.0.1:0"])  # type: ignore[index]
        first, second = sockets.of(1).insecure_sockets
        assert name(first) == kept
        assert name(second) == dropped  # any port was asked for
        former.close()
        assert accept(sockets.all()) == 1
        waiting.close()


def test_address_that_the_server_itself_is_in_the_way_of(opened: Open) -> None:
    former = opened()
    host, port = former.of(1).insecure_sockets[0].getsockname()
    with pytest.raises(BindError, match=f"this server listens on {host}:{port}, and has to be"):
        opened(former, bind=f"0.0.0.0:{port}")


def test_addresses_that_are_given_up(opened: Open, tmp_path: Path) -> None:
    former = opened()
    address = name(former.of(1).insecure_sockets[0])
    sockets = opened(former, bind=f"unix:{tmp_path}/a.sock")
    assert address not in [name(sock) for sock in sockets.all()]
    former.close()
    with pytest.raises(ConnectionRefusedError):
        connect(address)


@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": 1}, {"reuse_port": False}])
def test_no_queue_is_lost_with_fewer_workers(opened: Open, options: dict[str, object]) -> None:
    former = opened(workers=4)
    address = name(former.of(1).insecure_sockets[0])
    clients = [connect(address) for _ in range(60)]
    sockets = opened(former, **options)
    former.close()
    assert accept(sockets.all()) == 60
    clients += [connect(address) for _ in range(60)]
    assert accept(sockets.all()) == 60
    for client in clients:
        client.close()


@pytest.mark.parametrize("reuse_port", [True, False])
def test_address_that_is_given_up_and_wanted_again(
    opened: Open, tmp_path: Path, reuse_port: bool
) -> None:
    """The one before the last may still be in use, and have clients in its queues."""
    options = {"workers": 3, "reuse_port": reuse_port}
    binds = ["127.0.0.1:0", f"unix:{tmp_path}/a.sock"]
    first = opened(bind=binds, **options)
    address, path = (name(sock) for sock in first.of(1).insecure_sockets)
    binds[0] = f"127.0.0.1:{address[1]}"  # type: ignore[index]
    second = opened(first, bind=f"unix:{tmp_path}/b.sock", **options)
    clients = [connect(address) for _ in range(60)]
    third = opened(second, first, bind=binds, **options)
    fourth = opened(third, second, first, bind=binds, **options)
    for former in (first, second, third):
        former.close()
    assert [name(sock) for sock in fourth.of(3).insecure_sockets] == [address, path]
    assert len(fourth) == 3
    assert accept(fourth.all()) == 60
    for client in clients:
        client.close()


def test_offered_sockets_do_not_become_blocking(opened: Open) -> None:
    """It would be so for all processes that have them."""
    (sock,) = opened(workers=1).of(1).insecure_sockets
    inherited = socket.socket(fileno=sock.dup().detach())
    with inherited:
        taken = Offer([inherited]).take(sock.family, name(sock))  # type: ignore[arg-type]
        assert taken is not None
        with taken, pytest.raises(BlockingIOError):
            sock.accept()


def test_offer_is_taken_once(opened: Open) -> None:
    (sock,) = opened(workers=1).of(1).insecure_sockets
    offer = Offer([sock])
    taken = offer.take(sock.family, ("127.0.0.1", 0))
    assert taken is not None
    with taken:
        assert offer.take(sock.family, name(sock)) is None  # type: ignore[arg-type]
        assert offer.left() == []
