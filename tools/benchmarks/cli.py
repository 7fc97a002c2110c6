"""The command line of ``tools/bench``.

Knows: the sub-commands, their options and defaults, and the exit code.
Must not know: how anything is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import (
    http1,
    http2,
    instructions,
    memory,
    restarts,
    servers,
    streams,
    websocket,
)
from benchmarks.servers import Server
from development.commandline import carry_out, names
from development.commands import CommandError

COMMANDS = ("http1", "http2", "websocket", "instructions", "memory", "streams", "restarts")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command and return the exit code for the process."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    return carry_out(lambda: run(options))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; without a sub-command it is that of ``http1``."""
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Measure Hypercorn beside its peers. Without a command: http1.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_http1(commands.add_parser("http1", help="requests a second and CPU time, under wrk"))
    _add_http2(commands.add_parser("http2", help="CPU time of HTTP/2, under h2load"))
    _add_websocket(commands.add_parser("websocket", help="CPU time of WebSocket messages"))
    _add_instructions(
        commands.add_parser("instructions", help="instructions a request, counted by callgrind")
    )
    _add_memory(commands.add_parser("memory", help="memory for each idle connection"))
    _add_streams(commands.add_parser("streams", help="large bodies and slow readers"))
    _add_restarts(commands.add_parser("restarts", help="requests that fail as workers change"))
    given = list(arguments)
    if not given or given[0] not in (*COMMANDS, "-h", "--help"):
        given = ["http1", *given]
    return parser.parse_args(given)


def _add_http1(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    _add_servers(parser, servers.NAMES)
    parser.add_argument("--app", choices=http1.APPLICATIONS, default="raw", help="what is served")
    parser.add_argument("--body", type=int, default=13, metavar="BYTES", help="its size")
    parser.add_argument("--connections", type=_positive, default=32, metavar="N")
    parser.add_argument("--seconds", type=_positive, default=5, metavar="N", help="of each round")
    parser.add_argument("--rounds", type=_positive, default=5, metavar="N")
    parser.add_argument("--tls", action="store_true", help="serve with TLS")
    parser.add_argument(
        "--varied", action="store_true", help="give each request a query and a cookie of its own"
    )
    parser.set_defaults(run=_run_http1)


def _run_http1(options: argparse.Namespace) -> int:
    plan = http1.Plan(
        python=options.python,
        servers=_chosen(options),
        application=options.app,
        seconds=options.seconds,
        rounds=options.rounds,
        connections=options.connections,
        body=options.body,
        tls=options.tls,
        varied=options.varied,
    )
    return http1.run(plan, options.markdown)


def _add_http2(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    for name, known in (
        ("servers", servers.HTTP2_SERVERS),
        ("transports", http2.TRANSPORTS),
        ("loads", http2.LOADS),
    ):
        parser.add_argument(
            f"--{name}",
            type=names,
            default=list(known),
            metavar="A,B",
            help=f"some of {', '.join(known)}; by default all",
        )
    parser.add_argument("--connections", type=_positive, default=8, metavar="N")
    parser.add_argument("--seconds", type=_positive, default=3, metavar="N", help="of each round")
    parser.add_argument("--rounds", type=_positive, default=3, metavar="N")
    parser.set_defaults(run=_run_http2)


def _run_http2(options: argparse.Namespace) -> int:
    _check_names([*options.transports, *options.loads], [*http2.TRANSPORTS, *http2.LOADS])
    try:
        chosen = servers.choose_http2(options.servers)
    except ValueError as error:
        raise CommandError(str(error)) from error
    plan = http2.Plan(
        python=options.python,
        servers=chosen,
        seconds=options.seconds,
        rounds=options.rounds,
        connections=options.connections,
        transports=options.transports,
        loads=options.loads,
    )
    return http2.run(plan, options.markdown)


def _add_websocket(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    _add_servers(parser, servers.NAMES)
    parser.add_argument(
        "--loads",
        type=names,
        default=list(websocket.LOADS),
        metavar="A,B",
        help=f"some of {', '.join(websocket.LOADS)}; by default all",
    )
    parser.add_argument("--seconds", type=_positive, default=3, metavar="N", help="of each round")
    parser.add_argument("--rounds", type=_positive, default=3, metavar="N")
    parser.set_defaults(run=_run_websocket)


def _run_websocket(options: argparse.Namespace) -> int:
    _check_names(options.loads, websocket.LOADS)
    plan = websocket.Plan(
        python=options.python,
        servers=_chosen(options),
        seconds=options.seconds,
        rounds=options.rounds,
        loads=options.loads,
    )
    return websocket.run(plan, options.markdown)


def _add_instructions(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--layers", action="store_true", help="count ours layer by layer as well")
    parser.set_defaults(
        run=lambda options: instructions.run(options.python, options.layers, options.markdown)
    )


def _add_memory(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    _add_servers(parser, servers.NAMES)
    parser.add_argument("--connections", type=_positive, default=10_000, metavar="N")
    parser.add_argument(
        "--kind", choices=memory.KINDS, default="keep-alive", help="what the connections are"
    )
    parser.set_defaults(
        run=lambda options: memory.run(
            options.python,
            _chosen(options),
            options.connections,
            options.kind,
            options.markdown,
        )
    )


def _add_streams(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    _add_servers(parser, ("hypercorn",))
    parser.add_argument("--size", type=_positive, default=1024, metavar="MIB", help="of a body")
    parser.add_argument("--slow-readers", type=_positive, default=32, metavar="N")
    parser.set_defaults(
        run=lambda options: streams.run(
            options.python,
            _chosen(options),
            options.size * 2**20,
            options.slow_readers,
            options.markdown,
        )
    )


def _add_restarts(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    _add_servers(parser, servers.NAMES)
    parser.add_argument("--times", type=_positive, default=5, metavar="N", help="of each kind")
    parser.set_defaults(
        run=lambda options: restarts.run(
            options.python, _chosen(options), options.times, options.markdown
        )
    )


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--python", metavar="3.X", help="for all servers; the newest if not given")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")


def _add_servers(parser: argparse.ArgumentParser, default: Sequence[str]) -> None:
    parser.add_argument(
        "--servers",
        type=names,
        default=list(default),
        metavar="A,B",
        help=f"some of {', '.join(servers.NAMES)}; by default {', '.join(default)}",
    )
    parser.add_argument(
        "--worker-class",
        dest="worker_classes",
        type=names,
        default=["uvloop"],
        metavar="A,B",
        help=f"ours once on each of {', '.join(servers.WORKER_CLASSES)}; by default uvloop",
    )


def _chosen(options: argparse.Namespace) -> list[Server]:
    try:
        return servers.choose(options.servers, options.worker_classes)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _check_names(given: Iterable[str], known: Iterable[str]) -> None:
    unknown = {*given} - {*known}
    if unknown:
        raise CommandError(f"nothing is named {', '.join(sorted(unknown))}")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
