"""The channel between the supervisor and a worker."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from multiprocessing import connection

import pytest

from hypercorn.supervision.channel import (
    Adopt,
    Alive,
    Command,
    Due,
    Failed,
    Ping,
    Ready,
    Release,
    Reopen,
    Stop,
    SupervisorLink,
    WorkerLink,
    open_channel,
)

Ends = tuple[SupervisorLink, WorkerLink]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = open_channel()
    worker = WorkerLink(theirs)
    yield ours, worker
    ours.close()
    worker.close()


def receive(link: SupervisorLink | WorkerLink) -> list[object]:
    """What has come when there is something."""
    assert connection.wait([link.fileno()], 30)
    return list(link.receive())


def test_what_a_worker_says(ends: Ends) -> None:
    ours, worker = ends
    assert ours.receive() == []
    ready = [worker.is_ready]
    for message in (Alive(), Ready(["http://127.0.0.1:80"])):
        worker.send(message)
        ready.append(worker.is_ready)
    assert ready == [False, False, True]
    worker.send(Due("has served its requests"))
    assert receive(ours) == [
        Alive(),
        Ready(["http://127.0.0.1:80"]),
        Due("has served its requests"),
    ]
    assert ours.is_open


def test_long_reasons(ends: Ends) -> None:
    ours, worker = ends
    worker.send(Failed(3, "a\nlonger “reason”" * 1000))
    found: list[object] = []
    while not found:
        found += receive(ours)
    assert found == [Failed(3, "a\nlonger “reason”" * 1000)]


def test_what_a_supervisor_says(ends: Ends) -> None:
    ours, worker = ends
    commands: list[Command] = [Ping(), Reopen(), Release(3), Stop("REPLACED")]
    for command in commands:
        assert ours.send(command)
    assert receive(worker) == commands
    assert worker.is_open


def test_sockets_come_with_their_command(ends: Ends) -> None:
    ours, worker = ends
    left, right = socket.socketpair()
    other = left.dup()
    with left, right, other:
        assert ours.send(Ping())
        assert ours.send(Adopt(2, 1, 0), [left])
        assert ours.send(Adopt(3, 0, 1), [other])
        received: list[object] = []
        while len(received) < 3:
            received += receive(worker)
        assert received == [Ping(), Adopt(2, 1, 0), Adopt(3, 0, 1)]
        (first,) = worker.take_sockets()
        (second,) = worker.take_sockets()
        with first, second:
            assert first.fileno() not in (left.fileno(), other.fileno(), second.fileno())
            assert not first.get_inheritable()
            first.send(b"to the other side")
            assert right.recv(100) == b"to the other side"


def test_many_sockets(ends: Ends) -> None:
    ours, worker = ends
    with contextlib.ExitStack() as stack:
        passed = [stack.enter_context(socket.socket()) for _ in range(253)]
        assert ours.send(Adopt(2, 253, 0), passed)
        assert receive(worker) == [Adopt(2, 253, 0)]
        taken = [stack.enter_context(sock) for sock in worker.take_sockets()]
        assert len(taken) == 253


def test_pieces() -> None:
    left, right = socket.socketpair()
    link = SupervisorLink(left)
    right.sendall(b'{"is": "ready", "addresses": ["a"]}\n{"is": "failed", "code": 2, ')
    assert receive(link) == [Ready(["a"])]
    right.sendall(b'"reason": "b"}\n')
    assert receive(link) == [Failed(2, "b")]
    right.close()
    assert receive(link) == []
    assert not link.is_open
    link.close()


def test_copy_of_the_workers_end_does_not_make_it_wait() -> None:
    """As the preloader's side makes one while the worker reads: blocking is a matter of both."""
    ours, theirs = open_channel()
    with theirs, theirs.dup():
        worker = WorkerLink(socket.socket(fileno=theirs.dup().detach()))
        theirs.dup().close()
        assert worker.receive() == []
        worker.close()
    ours.close()


def test_worker_that_reads_nothing_is_not_waited_for(ends: Ends) -> None:
    ours, worker = ends
    while ours.send(Reopen()):
        pass
    assert not ours.send(Ping())
    found: list[object] = []
    while worker.is_open:
        found += receive(worker)
        if len(found) > 10 and not connection.wait([worker.fileno()], 0):
            break
    assert set(map(type, found)) == {Reopen}


def test_worker_is_told_the_end_and_still_heard(ends: Ends) -> None:
    ours, worker = ends
    ours.hang_up()
    assert receive(worker) == []
    assert not worker.is_open
    worker.send(Ready(["still heard"]))
    assert receive(ours) == [Ready(["still heard"])]


def test_worker_ends_by_itself(ends: Ends) -> None:
    _, worker = ends
    worker.end()
    assert receive(worker) == []
    assert not worker.is_open


def test_supervisor_that_has_died(ends: Ends) -> None:
    ours, worker = ends
    ours.close()
    assert receive(worker) == []
    assert not worker.is_open
    worker.send(Ready([]))
    worker.send(Failed(1, "nobody hears this"))
    worker.end()


NO_MESSAGES = {
    "text": b"no message\n",
    "list": b"[]\n",
    "empty": b"{}\n",
    "unknown": b'{"is": "nothing"}\n',
    "incomplete": b'{"is": "ready"}\n',
    "endless": b"x" * 3_000_000,
}


@pytest.mark.parametrize("said", NO_MESSAGES.values(), ids=NO_MESSAGES)
def test_worker_that_is_not_itself_any_more(said: bytes) -> None:
    ours, theirs = open_channel()
    theirs.settimeout(30)
    writer = threading.Thread(target=written, args=(theirs, said))
    writer.start()
    with theirs:
        while ours.is_open:
            assert connection.wait([ours.fileno()], 30)
            assert ours.receive() == []
        writer.join(30)
        assert not ours.send(Ping())
        with contextlib.suppress(ConnectionResetError):
            assert theirs.recv(1) == b""


def written(sock: socket.socket, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        sock.sendall(data)
