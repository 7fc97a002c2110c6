"""HTTP/2 under load: h2load is understood, every server is told, and no failure is overlooked."""

from __future__ import annotations

import pytest

from benchmarks import cli, h2load, http2, servers
from benchmarks.h2load import Load
from benchmarks.http2 import Round
from benchmarks.servers import Serving

OUTPUT = """starting benchmark...
spawning thread #0: 8 total client(s). Timing-based test with 2s of warm-up time.
Application protocol: h2c

finished in 2.00s, 13973.50 req/s, 1.20MB/s
requests: 27947 total, 28747 started, 27947 done, 27940 succeeded, 7 failed, 5 errored, 1 timeout
status codes: 27941 2xx, 0 3xx, 0 4xx, 1 5xx
traffic: 2.40MB (2516373) total, 163.74KB (167670) headers (space savings 90.00%), 354.80KB data
"""
EVERY = servers.choose_http2(list(servers.HTTP2_SERVERS))
NAMES = [server.name for server in EVERY]


def test_figures_are_read() -> None:
    assert h2load.parse(OUTPUT) == Load(27941, 13973.5, errors=7)


def test_redirections_are_errors() -> None:
    text = OUTPUT.replace("27941 2xx, 0 3xx", "27000 2xx, 941 3xx")

    assert h2load.parse(text) == Load(27000, 13973.5, errors=948)


@pytest.mark.parametrize("missing", ["finished in", "requests:", "status codes"])
def test_output_that_lacks_a_figure_is_refused(missing: str) -> None:
    lines = [line for line in OUTPUT.splitlines() if missing not in line]

    with pytest.raises(ValueError, match="starting benchmark"):
        h2load.parse("\n".join(lines))


def test_ours_comes_first_and_names_are_unique() -> None:
    assert NAMES[:2] == ["hypercorn (uvloop)", "hypercorn (hpack)"]
    assert len(set(NAMES)) == len(NAMES)
    with pytest.raises(ValueError, match="nothing is named nginx; there are hypercorn"):
        servers.choose_http2(["nginx"])


@pytest.mark.parametrize("server", EVERY, ids=NAMES)
def test_every_server_is_told_of_http2_or_not_to_end_connections(server: servers.Server) -> None:
    plain = server.command(Serving(4321, "module:app"))
    words = server.command(Serving(4321, "module:app", is_http2=True))

    assert {"--http2", "2", str(servers.UNLIMITED_REQUESTS)} & (set(words) - set(plain))
    assert words[-1] == "module:app"


def test_no_connection_of_ours_ends_early() -> None:
    assert "keep_alive_max_requests = 1000000000" in servers.UNLIMITED_REQUESTS.read_text()


def test_cells_are_medians_and_failures_add_up() -> None:
    """A machine that is three times slower in one round is so for both servers."""
    ours = [Round(300.0, 5e-6, 0), Round(100.0, 15e-6, 1), Round(200.0, 5.5e-6, 2)]
    theirs = [Round(150.0, 10e-6, 0), Round(50.0, 30e-6, 0), Round(100.0, 10e-6, 0)]

    assert list(http2.figures(ours, theirs)) == ["200", "5.5", "5.0", "3", "0.50"]


def test_everything_is_measured_unless_told_otherwise() -> None:
    options = cli.parse(["http2"])

    assert (options.connections, options.seconds, options.rounds) == (8, 3, 3)
    assert options.servers == list(servers.HTTP2_SERVERS)
    assert options.transports == ["tls", "cleartext"]
    assert options.loads == ["small", "10k", "upload"]


def test_what_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["http2", "--loads", "huge"]) == 1
    assert "nothing is named huge" in capsys.readouterr().err
