"""Django as a WSGI application, in one file.

Serve it with ``hypercorn examples.django_wsgi:app``; its views run in threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    LOGGING_CONFIG=None,
    ROOT_URLCONF=__name__,
    SECRET_KEY="only an example",
)


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Hello from Django\n", content_type="text/plain")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(lines(), content_type="text/plain")


def lines() -> Iterator[str]:
    for number in range(10):
        yield f"line {number}\n"


def upload(request: HttpRequest) -> HttpResponse:
    """Read the content as it comes, without holding all of it."""
    digest = hashlib.sha256()
    while chunk := request.read(65_536):
        digest.update(chunk)
    return HttpResponse(digest.hexdigest() + "\n", content_type="text/plain")


def error(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("this route always fails")


urlpatterns = [
    path("", hello),
    path("stream", stream),
    path("upload", upload),
    path("error", error),
]

app = get_wsgi_application()
