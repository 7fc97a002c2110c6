"""Detaching: what the command shows and ends with, and what the server is left with."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.hypercorn.system.children import PATIENCE, Child, child

HEAD = """
import json, os, signal, sys
from hypercorn.system.detaching import detach
gate, report = int(sys.argv[1]), int(sys.argv[2])
"""


class Pipes:
    """What a server waits for, and where it tells about itself."""

    def __init__(self) -> None:
        self.for_server: tuple[int, ...]
        reader, self._gate = os.pipe()
        self._report, writer = os.pipe()
        self.for_server = (reader, writer)

    def open_gate(self) -> None:
        os.write(self._gate, b"g")

    def read_report(self) -> str:
        """All of it, once the server has ended."""
        with open(self._report, closefd=False) as file:
            return file.read()

    def leave_to_server(self) -> None:
        for descriptor in self.for_server:
            os.close(descriptor)
        self.for_server = ()

    def close(self) -> None:
        self.leave_to_server()
        os.close(self._gate)
        os.close(self._report)


@contextlib.contextmanager
def command(source: str) -> Iterator[tuple[Child, Pipes]]:
    pipes = Pipes()
    with contextlib.closing(pipes):
        arguments = [str(each) for each in pipes.for_server]
        with child(HEAD + source, *arguments, pass_fds=pipes.for_server) as process:
            pipes.leave_to_server()
            yield process, pipes


def ended(source: str) -> tuple[int, str, str]:
    """The exit code of the command, and what it has shown."""
    with command(source) as (process, _):
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err


SLOW_SERVER = """
print("before", end=" ")
launcher = detach()
print("starting", flush=True)
os.read(gate, 1)
print("complaint", file=sys.stderr)
launcher.serving()
print("unseen", flush=True)
print("unseen", flush=True, file=sys.stderr)
os.read(gate, 1)
streams = [os.fstat(fd).st_rdev for fd in (0, 1, 2)]
nowhere = os.stat(os.devnull).st_rdev
about = [os.getpid(), os.getsid(0), os.getcwd(), streams == [nowhere] * 3]
os.write(report, json.dumps(about).encode())
"""


def test_the_command_waits_until_the_server_serves() -> None:
    with command(SLOW_SERVER) as (process, pipes):
        assert process.stdout is not None
        assert process.stdout.readline() == "before starting\n"
        assert process.poll() is None
        pipes.open_gate()
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out, err) == (0, "", "complaint\n")
        pipes.open_gate()
        pid, session, folder, is_silent = json.loads(pipes.read_report())
    assert pid != process.pid
    # In a session without a terminal, and unable to get one: it is not the session's leader.
    assert session not in {pid, os.getsid(0)}
    assert folder == os.getcwd()
    assert is_silent


def test_a_failure_gives_its_exit_code_and_its_message() -> None:
    source = """
    launcher = detach()
    print("no such app", file=sys.stderr)
    launcher.failed(3)
    launcher.serving()
    """
    assert ended(_plain(source)) == (3, "", "no such app\n")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(5)", 5),
        ("sys.exit(0)", 1),
        ("launcher.failed(0)", 1),
        ("os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL),
    ],
)
@pytest.mark.parametrize("children", ["SIG_DFL", "SIG_IGN"])
def test_an_end_without_a_word_is_a_failure(end: str, code: int, children: str) -> None:
    source = f"signal.signal(signal.SIGCHLD, signal.{children}); launcher = detach(); {end}"
    assert ended(source)[0] == code


def test_the_end_is_noticed_while_a_forked_worker_lives() -> None:
    source = """
    launcher = detach()
    if os.fork() == 0:
        for stream in (0, 1, 2):
            os.close(stream)
        os.read(gate, 1)
        os.write(report, b"worker")
        os._exit(0)
    os._exit(4)
    """
    with command(_plain(source)) as (process, pipes):
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 4
        pipes.open_gate()
        assert pipes.read_report() == "worker"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_a_command_that_is_stopped_stops_the_server(number: signal.Signals) -> None:
    source = """
    launcher = detach()
    def stop(number, frame):
        print("stopped by", number, flush=True)
        sys.exit(7)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, stop)
    print("starting", flush=True)
    os.read(gate, 1)
    """
    with command(_plain(source)) as (process, _):
        assert process.stdout is not None
        assert process.stdout.readline() == "starting\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (7, f"stopped by {int(number)}\n")


def test_the_signal_mask_is_as_it_was() -> None:
    source = """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    launcher = detach()
    print([int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())])
    launcher.serving()
    """
    assert ended(_plain(source)) == (0, f"[{int(signal.SIGTERM)}]\n", "")


def _plain(source: str) -> str:
    """Without the indentation that it has in a test."""
    return "\n".join(line.removeprefix("    ") for line in source.splitlines())
