"""The servers whose WebSockets are tested.

Knows: their names here, and how ours is told which engine to use.
Must not know: what they are tested with.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks import servers
from benchmarks.servers import Server, Serving

OURS = "hypercorn"
NAMES = servers.NAMES
ENGINES = ("builtin", "websockets", "wsproto")
APPLICATION = "websocket_echo"


def peer(name: str) -> Server:
    """Give a released server."""
    return servers.PEERS[name]


def ours(engine: str, worker_class: str) -> Server:
    """Give the server of this working tree, with every engine installed."""
    server = servers.hypercorn(worker_class)

    def command(serving: Serving) -> list[str]:
        program, *arguments = server.command(serving)
        return [program, "--websocket-engine", engine, *arguments]

    return replace(
        server,
        name=f"hypercorn ({engine}, {worker_class})",
        requirements=(*server.requirements, "websockets", "wsproto"),
        command=command,
        environment="hypercorn-websocket",
    )
