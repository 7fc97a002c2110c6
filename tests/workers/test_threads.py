"""The pool of threads that does not keep the process alive."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from hypercorn_workers.threads import DaemonThreads


def test_results_and_errors_come_back() -> None:
    threads = DaemonThreads(2)
    assert threads.submit(pow, 2, 10).result(timeout=10) == 1024
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(timeout=10)
    threads.shutdown()


def test_no_more_threads_than_allowed() -> None:
    threads = DaemonThreads(2)
    release = threading.Event()
    names: set[int] = set()

    def job() -> None:
        names.add(threading.get_ident())
        release.wait(timeout=10)

    futures = [threads.submit(job) for _ in range(6)]
    release.set()
    for future in futures:
        future.result(timeout=10)
    assert 1 <= len(names) <= 2
    threads.shutdown()


def test_jobs_run_at_the_same_time() -> None:
    threads = DaemonThreads(2)
    meeting = threading.Barrier(2, timeout=10)
    futures = [threads.submit(meeting.wait) for _ in range(2)]
    assert sorted(future.result(timeout=10) for future in futures) == [0, 1]
    threads.shutdown()


def test_a_cancelled_job_is_not_run() -> None:
    threads = DaemonThreads(1)
    release = threading.Event()
    first = threads.submit(release.wait, 10)
    ran = threads.submit(pytest.fail, "a cancelled job was run")
    assert ran.cancel()
    release.set()
    assert first.result(timeout=10)
    assert threads.submit(int).result(timeout=10) == 0
    threads.shutdown()


def test_a_stuck_job_does_not_keep_the_process_alive() -> None:
    code = (
        "import threading; from hypercorn_workers.threads import DaemonThreads\n"
        "DaemonThreads().submit(threading.Event().wait)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
