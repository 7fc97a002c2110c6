"""Django as an ASGI application, in one file.

Serve it with ``hypercorn examples.django_asgi:app``. Django's handler needs asyncio; on trio
workers it runs in a loop of its own (see ``asyncio_on_trio.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from examples.asyncio_on_trio import AsyncioOnTrio

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    LOGGING_CONFIG=None,
    ROOT_URLCONF=__name__,
    SECRET_KEY="only an example",
)


async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Hello from Django\n", content_type="text/plain")


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(lines(), content_type="text/plain")


async def lines() -> AsyncIterator[str]:
    for number in range(10):
        yield f"line {number}\n"


async def upload(request: HttpRequest) -> HttpResponse:
    """Read the content, which Django has collected in a file by now if it is large."""
    digest = hashlib.sha256()
    while chunk := request.read(65_536):
        digest.update(chunk)
    return HttpResponse(digest.hexdigest() + "\n", content_type="text/plain")


async def error(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("this route always fails")


urlpatterns = [
    path("", hello),
    path("stream", stream),
    path("upload", upload),
    path("error", error),
]

app = AsyncioOnTrio(get_asgi_application())
