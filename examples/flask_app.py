"""Flask: a WSGI application, whose views run in threads.

Serve it with ``hypercorn examples.flask_app:app``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/")
def hello() -> Response:
    return Response("Hello from Flask\n", mimetype="text/plain")


@app.get("/stream")
def stream() -> Response:
    return Response(lines(), mimetype="text/plain")


def lines() -> Iterator[str]:
    for number in range(10):
        yield f"line {number}\n"


@app.post("/upload")
def upload() -> Response:
    """Read the content as it comes, without holding all of it."""
    digest = hashlib.sha256()
    while chunk := request.stream.read(65_536):
        digest.update(chunk)
    return Response(digest.hexdigest() + "\n", mimetype="text/plain")


@app.get("/error")
def error() -> Response:
    raise RuntimeError("this route always fails")
