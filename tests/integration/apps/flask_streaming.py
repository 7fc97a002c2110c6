"""A Flask application that answers while it reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import IO

from flask import Flask, Response, request

app = Flask(__name__)
gate = threading.Event()


@app.post("/upper")
def upper() -> Response:
    """Send back what comes, three bytes at a time."""
    return Response(_pieces(request.stream), mimetype="text/plain")


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(3):
        yield piece.upper()


@app.get("/gate")
def stream() -> Response:
    """Send one piece, and the second one once the gate is open."""
    return Response(_gated(), mimetype="text/plain")


def _gated() -> Iterator[bytes]:
    yield b"first"
    gate.wait()
    yield b"second"


@app.get("/open")
def open_gate() -> Response:
    gate.set()
    return Response("open")
