"""Gates and reports of the inspecting application, by a connection of their own each.

Knows: the routes that wait for something (``apps/messages.py``).
Must not know: what the tests wait for.
"""

from __future__ import annotations

import json
from typing import Any

from tests.integration.serving import Endpoint


def report(endpoint: Endpoint, gate: str) -> Any:
    """Wait for a report of the application's."""
    with endpoint.connect() as peer:
        return json.loads(peer.get(f"/report?report={gate}").body)


def await_gate(endpoint: Endpoint, gate: str) -> None:
    """Wait until a gate is open."""
    with endpoint.connect() as peer:
        assert peer.get(f"/pass?gate={gate}").body == b"passed"


def open_gate(endpoint: Endpoint, gate: str) -> None:
    """Open a gate."""
    with endpoint.connect() as peer:
        assert peer.get(f"/open?gate={gate}").body == b"open"
