"""A WSGI application's result: iterated once, sent as it comes, closed whatever happens."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hypercorn_asgi.typing import WSGIFramework
from hypercorn_asgi.wsgi import FileWrapper, Response, run_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Sent:
    """What was sent, as one list of messages; a client that leaves after *patience* visits."""

    def __init__(self, patience: int = 100) -> None:
        self.messages: list[Any] = []
        self._patience = patience

    def __call__(self, *messages: Any) -> None:
        if self._patience == 0:
            raise BrokenPipeError("left")
        self._patience -= 1
        self.messages += messages

    @property
    def bodies(self) -> list[tuple[bytes, bool]]:
        return [(part["body"], part["more_body"]) for part in self.messages if "body" in part]


class Result:
    """An iterable that notes what is done to it."""

    def __init__(self, *chunks: bytes | BaseException) -> None:
        self.chunks = list(chunks)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        while self.chunks:
            chunk = self.chunks.pop(0)
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    def close(self) -> None:
        self.closed += 1


def answering(result: Iterable[bytes], *headers: tuple[str, str]) -> WSGIFramework:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return result

    return app


def run(app: WSGIFramework, sent: Sent | None = None) -> Sent:
    sent = sent or Sent()
    run_application(app, {}, Response(sent))
    return sent


def test_every_chunk_is_sent_as_it_comes() -> None:
    result = Result(b"one", b"", b"two")

    assert run(answering(result)).bodies == [(b"one", True), (b"two", True), (b"", False)]
    assert result.closed == 1


@pytest.mark.parametrize("result", [[b"all"], (b"all",)])
def test_one_chunk_is_one_message(result: Iterable[bytes]) -> None:
    assert run(answering(result)).bodies == [(b"all", False)]


@pytest.mark.parametrize("result", [[], [b""], iter(())])
def test_no_content_is_one_message(result: Iterable[bytes]) -> None:
    assert run(answering(result)).bodies == [(b"", False)]


def test_nothing_is_asked_for_past_content_length() -> None:
    result = Result(b"all", AssertionError("asked for more"))

    assert run(answering(result, ("Content-Length", "3"))).bodies == [(b"all", False)]
    assert result.closed == 1


def test_start_response_may_wait_for_the_first_chunk() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        yield b""
        start_response("203 Late", [])
        yield b"content"

    sent = run(app)

    assert sent.messages[0]["status"] == 203
    assert sent.bodies == [(b"content", True), (b"", False)]


def test_environ_and_start_response_are_given() -> None:
    seen: list[Any] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ)
        start_response("200 OK", [])
        return []

    environ = {"REQUEST_METHOD": "GET"}
    run_application(app, environ, Response(Sent()))

    assert seen == [environ]


def test_application_class() -> None:
    class App:
        def __init__(self, environ: WSGIEnvironment, start_response: StartResponse) -> None:
            self.start = start_response

        def __iter__(self) -> Iterator[bytes]:
            self.start("200 OK", [])
            yield b"class"

    assert run(App).bodies == [(b"class", True), (b"", False)]


def test_write_goes_before_the_result() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"written")
        return [b"returned"]

    assert run(app).bodies == [(b"written", True), (b"returned", False)]


def test_no_start_response_is_an_error() -> None:
    result = Result()

    with pytest.raises(RuntimeError, match="start_response"):
        run(lambda environ, start_response: result)
    assert result.closed == 1


@pytest.mark.parametrize("chunks", [(), (b"part",)])
def test_error_in_the_result_goes_to_the_caller(chunks: tuple[bytes, ...]) -> None:
    result = Result(*chunks, KeyError("lost"))
    sent = Sent()

    with pytest.raises(KeyError, match="lost"):
        run(answering(result), sent)
    assert result.closed == 1
    assert sent.bodies == [(chunk, True) for chunk in chunks]


def test_wrong_chunk_is_an_error_and_the_result_is_closed() -> None:
    result = Result("text")  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="bytes, not str"):
        run(answering(result))
    assert result.closed == 1


@pytest.mark.parametrize("error", [StopIteration("app"), StopIteration()])
def test_stop_iteration_does_not_escape(error: StopIteration) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        raise error

    with pytest.raises(RuntimeError, match="StopIteration"):
        run(app)


def test_client_that_leaves_closes_the_result() -> None:
    result = Result(b"one", b"two", b"three")

    with pytest.raises(BrokenPipeError):
        run(answering(result), Sent(patience=1))
    assert result.closed == 1
    assert result.chunks == [b"three"]


def test_client_that_leaves_ends_a_generator() -> None:
    seen = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            yield b"one"
            yield b"two"
        except GeneratorExit:
            seen.append("ended")
            raise

    with pytest.raises(BrokenPipeError):
        run(app, Sent(patience=1))
    assert seen == ["ended"]


def test_client_that_leaves_is_an_error_of_write() -> None:
    seen = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"one")
        try:
            write(b"two")
        except OSError as error:
            seen.append(str(error))
            raise
        return []

    with pytest.raises(BrokenPipeError):
        run(app, Sent(patience=1))
    assert seen == ["left"]


def test_response_is_complete_before_the_result_is_closed() -> None:
    sent = Sent()

    class Late(Result):
        def close(self) -> None:
            assert sent.bodies[-1] == (b"", False)
            super().close()

    result = Late(b"one")
    run(answering(result), sent)

    assert result.closed == 1


def test_file_wrapper_sends_and_closes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)

    with path.open("rb") as file:
        sent = run(answering(FileWrapper(file, 1024)))
        assert file.closed

    assert [len(data) for data, _ in sent.bodies] == [65_536, 34_464, 0]


def test_file_wrapper_starts_where_the_file_is_and_stops_at_content_length() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(2)

    assert run(answering(FileWrapper(file), ("Content-Length", "5"))).bodies == [(b"23456", False)]
    assert file.closed


def test_file_wrapper_takes_what_cannot_be_closed() -> None:
    class Endless:
        def read(self, size: int) -> bytes:
            return b"x" * size

    sent = run(answering(FileWrapper(Endless(), 1), ("Content-Length", "70000")))

    assert [len(data) for data, _ in sent.bodies] == [65_536, 4_464]
