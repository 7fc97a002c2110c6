"""The channel between the supervisor and a worker."""

from __future__ import annotations

import socket
from multiprocessing import connection

from hypercorn.channel import Failed, Ready, SupervisorLink, WorkerLink, open_channel


def receive(link: SupervisorLink) -> list[object]:
    """What has come when there is something."""
    assert connection.wait([link.fileno()], 30)
    return list(link.receive())


def test_messages() -> None:
    ours, theirs = open_channel()
    worker = WorkerLink(theirs)
    assert ours.receive() == []
    worker.ready(["http://127.0.0.1:80"])
    assert worker.is_ready
    assert receive(ours) == [Ready(["http://127.0.0.1:80"])]
    worker.failed(3, "a\nlonger “reason”" * 1000)
    found: list[object] = []
    while not found:
        found += receive(ours)
    assert found == [Failed(3, "a\nlonger “reason”" * 1000)]
    assert ours.is_open
    theirs.close()
    ours.close()


def test_several_messages_in_pieces() -> None:
    left, right = socket.socketpair()
    link = SupervisorLink(left)
    right.sendall(b'{"ready": ["a"]}\n{"failed": [2, ')
    assert receive(link) == [Ready(["a"])]
    right.sendall(b'"b"]}\n')
    assert receive(link) == [Failed(2, "b")]
    right.close()
    assert receive(link) == []
    assert not link.is_open
    link.close()


def test_worker_is_told_to_stop() -> None:
    ours, theirs = open_channel()
    ours.stop()
    assert theirs.recv(1) == b""
    WorkerLink(theirs).ready(["still heard"])
    assert receive(ours) == [Ready(["still heard"])]
    theirs.close()
    ours.stop()
    ours.close()


def test_worker_ends_by_itself() -> None:
    ours, theirs = open_channel()
    WorkerLink(theirs).end()
    assert theirs.recv(1) == b""
    theirs.close()
    ours.close()


def test_supervisor_that_has_died() -> None:
    ours, theirs = open_channel()
    worker = WorkerLink(theirs)
    ours.close()
    assert theirs.recv(1) == b""
    worker.ready([])
    worker.failed(1, "nobody hears this")
    worker.end()
    theirs.close()
