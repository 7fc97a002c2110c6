"""A Django WSGI application that answers while it reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, ROOT_URLCONF=__name__, SECRET_KEY="-")
gate = threading.Event()


def upper(request: Any) -> Any:
    """Send back what comes, three bytes at a time."""
    return StreamingHttpResponse(_pieces(request))


def _pieces(request: Any) -> Iterator[bytes]:
    while piece := request.read(3):
        yield piece.upper()


def stream(request: Any) -> Any:
    """Send one piece, and the second one once the gate is open."""
    return StreamingHttpResponse(_gated())


def _gated() -> Iterator[bytes]:
    yield b"first"
    gate.wait()
    yield b"second"


def open_gate(request: Any) -> Any:
    gate.set()
    return HttpResponse("open")


urlpatterns = [path("upper", upper), path("gate", stream), path("open", open_gate)]
app = get_wsgi_application()
