"""wrk's output is read whatever unit it chooses, and no failure in it is overlooked."""

from __future__ import annotations

import pytest

from benchmarks import wrk
from benchmarks.wrk import Load

OUTPUT = """Running 3s test @ http://127.0.0.1:8000/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.21ms    1.02ms  20.00ms   90.11%
    Req/Sec     9.04k   512.33    10.01k    70.00%
  Latency Distribution
     50%  950.00us
     75%    1.50ms
     90%    2.00ms
     99%    1.05s
  27150 requests in 3.01s, 3.70MB read
Requests/sec:   9019.93
Transfer/sec:      1.23MB
"""
SOCKET_ERRORS = "  Socket errors: connect 1, read 20, write 300, timeout 4000\n"
BAD_STATUS = "  Non-2xx or 3xx responses: 50000\n"


def with_errors(*lines: str) -> str:
    """Give the output with lines where wrk has them."""
    return OUTPUT.replace("Requests/sec", f"{''.join(lines)}Requests/sec")


def test_figures_are_read_in_their_units() -> None:
    load = wrk.parse(OUTPUT)

    assert load == Load(27150, 9019.93, load.p50, load.p99, errors=0)
    assert (load.p50, load.p99) == pytest.approx((950e-6, 1.05))


@pytest.mark.parametrize(
    ("lines", "errors"),
    [
        ((SOCKET_ERRORS,), 4321),
        ((BAD_STATUS,), 50000),
        ((SOCKET_ERRORS, BAD_STATUS), 54321),
    ],
)
def test_every_kind_of_error_counts(lines: tuple[str, ...], errors: int) -> None:
    assert wrk.parse(with_errors(*lines)).errors == errors


def test_minutes_are_understood() -> None:
    assert wrk.parse(OUTPUT.replace("1.05s", "1.50m")).p99 == 90.0


@pytest.mark.parametrize("missing", ["requests in", "Requests/sec", "50%", "99%"])
def test_output_that_lacks_a_figure_is_refused(missing: str) -> None:
    lines = [line for line in OUTPUT.splitlines() if missing not in line]

    with pytest.raises(ValueError, match="Running 3s test"):
        wrk.parse("\n".join(lines))


def test_the_script_sends_a_body_of_the_size_asked_for() -> None:
    script = wrk.script(10240, varied=False)

    assert 'wrk.body = string.rep("x", 10240)' in script
    assert "request =" not in script


def test_the_script_varies_requests_without_posting_them() -> None:
    script = wrk.script(None, varied=True)

    assert "request = function()" in script
    assert "POST" not in script
