"""A server in a process of its own, as people start it, for tests of processes and signals."""

from __future__ import annotations

import contextlib
import http.client
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import connection
from pathlib import Path
from urllib.parse import urlsplit

from hypercorn.watching import FileWatcher

PATIENCE = 60
"""Seconds after which a test has failed rather than being slow."""

LEFT_OUT = ("HYPERCORN_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""Variables of the tests' environment, or how they begin, that a server should not depend on."""

PID_APP = """
import os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""
"""Answers every request with the id of the process that did it."""


def pid_app(*statements: str) -> str:
    """PID_APP that does something first with a request, whose ``path`` is known."""
    answer = '    await send({"type": "http.response.start"'
    first = ['path = scope["path"]', *statements]
    return PID_APP.replace(answer, "".join(f"    {each}\n" for each in first) + answer)


class Server:
    """``python -m hypercorn`` or another program in a folder, and what it says on stderr."""

    def __init__(self, folder: Path, *, command: Sequence[str]) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(LEFT_OUT)}
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The id of the first process."""
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    @property
    def output(self) -> str:
        """What has been read of stderr."""
        return "\n".join(self.lines)

    def wait_for(self, text: str) -> str:
        """Read stderr up to a line with this text."""
        while (line := self._queue.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} was not said:\n{self.output}")

    def wait_for_address(self) -> str:
        """The host and port that it says it runs on."""
        return self.address_in(self.wait_for("Running on "))

    @staticmethod
    def address_in(log: str) -> str:
        """The host and port that a log says it runs on."""
        return urlsplit(log.split("Running on ")[1].split()[0]).netloc

    def wait_for_file(self, path: Path, text: str) -> None:
        """Wait until a file has this text."""
        watcher = FileWatcher([str(path.parent)], ["*"], [])
        with contextlib.closing(watcher):
            watcher.start()
            while not path.exists() or text not in path.read_text():
                assert connection.wait([watcher.fileno()], PATIENCE), f"{text!r} is not in {path}"
                watcher.take()

    def connect(self, address: str) -> http.client.HTTPConnection:
        """A client, which connects when it asks for something."""
        return http.client.HTTPConnection(address, timeout=PATIENCE)

    def get(self, address: str, path: str = "/") -> str:
        """The body that a new connection gets."""
        with contextlib.closing(self.connect(address)) as client:
            client.request("GET", path)
            return client.getresponse().read().decode()

    def status(self, address: str, path: str) -> int:
        """The status that a new connection gets."""
        with contextlib.closing(self.connect(address)) as client:
            client.request("GET", path)
            return client.getresponse().status

    @contextlib.contextmanager
    def begin(self, address: str, path: str = "/") -> Iterator[http.client.HTTPConnection]:
        """Send a request whose answer is not waited for."""
        with contextlib.closing(self.connect(address)) as client:
            client.request("GET", path)
            yield client

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the first process."""
        self._process.send_signal(number)

    def send_signal_to_all(self, number: signal.Signals) -> None:
        """Signal the first process and its workers at once."""
        os.killpg(self._process.pid, number)

    def is_running(self) -> bool:
        """Whether the first process has not ended."""
        return self._process.poll() is None

    def listen(self, seconds: float) -> None:
        """Read what is said in this time."""
        with contextlib.suppress(queue.Empty):
            while (line := self._queue.get(timeout=seconds)) is not None:
                self.lines.append(line)
            self._queue.put(None)

    def wait_for_end(self) -> int:
        """The exit code, when all processes have let go of stderr."""
        while (line := self._queue.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)
        return self._process.wait(PATIENCE)

    def wait_for_first_to_end(self) -> int:
        """The exit code of the process that was started; others may go on."""
        return self._process.wait(PATIENCE)

    def send_stop(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Ask it to stop; returns the exit code."""
        self.send_stop()
        return self.wait_for_end()

    def abandon(self) -> None:
        """Leave nothing running."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self._process.stderr is not None
        self._process.stderr.close()


@contextlib.contextmanager
def served(
    folder: Path, *arguments: str, app: str = PID_APP, bind: str | None = "127.0.0.1:0"
) -> Iterator[Server]:
    """A server of an application with this source, which is gone at the end."""
    (folder / "served_app.py").write_text(textwrap.dedent(app))
    binds = [] if bind is None else ["--bind", bind]
    command = ["-m", "hypercorn", *binds, *arguments, "served_app:app"]
    server = Server(folder, command=command)
    try:
        yield server
    finally:
        server.abandon()
