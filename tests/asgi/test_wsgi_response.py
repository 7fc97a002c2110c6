"""start_response and write: PEP 3333's rules of what may be said when."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from hypercorn_asgi.wsgi import Response


class Sent(list[Any]):
    """Messages, one list of them for each visit to the event loop."""

    def __call__(self, *messages: Any) -> None:
        self.append(list(messages))


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def response(sent: Sent) -> Response:
    return Response(sent)


def test_nothing_is_sent_before_there_is_content(sent: Sent, response: Response) -> None:
    response.start_response("200 OK", [])
    response.send_chunk(b"")

    assert sent == []
    assert not response.headers_sent


def test_header_section_goes_with_the_first_chunk(sent: Sent, response: Response) -> None:
    response.start_response("201 Created", [("X-Name", "é")])
    response.send_chunk(b"one")
    response.send_chunk(b"two")
    response.finish()

    assert sent == [
        [start(201, (b"x-name", b"\xe9")), body(b"one", more=True)],
        [body(b"two", more=True)],
        [body(b"", more=False)],
    ]
    assert response.complete


def test_header_section_goes_at_the_end_without_content(sent: Sent, response: Response) -> None:
    response.start_response("204 No Content", [])
    response.finish()

    assert sent == [[start(204), body(b"", more=False)]]


def test_last_chunk_ends_the_response(sent: Sent, response: Response) -> None:
    response.start_response("200 OK", [])
    response.send_chunk(b"all", last=True)
    response.finish()

    assert sent == [[start(), body(b"all", more=False)]]


def test_content_length_ends_the_response(sent: Sent, response: Response) -> None:
    response.start_response("200 OK", [("Content-Length", "6")])
    response.send_chunk(b"one")
    response.send_chunk(b"two")

    assert sent[1] == [body(b"two", more=False)]
    assert response.complete


def test_chunk_past_content_length_is_cut_off(sent: Sent, response: Response) -> None:
    response.start_response("200 OK", [("Content-Length", "4")])
    response.send_chunk(b"too long")

    assert sent == [[start(200, (b"content-length", b"4")), body(b"too ", more=False)]]


def test_write_past_content_length_is_an_error(sent: Sent, response: Response) -> None:
    write = response.start_response("200 OK", [("Content-Length", "4")])
    write(b"four")

    with pytest.raises(ValueError, match="Content-Length"):
        write(b"!")
    assert len(sent) == 1


def test_write_then_chunks(sent: Sent, response: Response) -> None:
    write = response.start_response("200 OK", [])
    write(b"one")
    response.send_chunk(b"two", last=True)

    assert sent == [
        [start(), body(b"one", more=True)],
        [body(b"two", more=False)],
    ]


def test_content_before_start_response_is_an_error(sent: Sent, response: Response) -> None:
    with pytest.raises(RuntimeError, match="start_response"):
        response.send_chunk(b"content")
    with pytest.raises(RuntimeError, match="start_response"):
        response.finish()
    assert sent == []


def test_second_start_response_is_an_error(response: Response) -> None:
    response.start_response("200 OK", [])

    with pytest.raises(RuntimeError, match="twice"):
        response.start_response("200 OK", [])


def failing(response: Response) -> None:
    try:
        raise KeyError("lost")
    except KeyError:
        response.start_response("500 Oh", [("X-Error", "1")], sys.exc_info())  # type: ignore[arg-type]


def test_error_replaces_a_response_that_has_not_left(sent: Sent, response: Response) -> None:
    response.start_response("200 OK", [("Content-Length", "1000")])
    failing(response)
    response.finish()

    assert sent == [[start(500, (b"x-error", b"1")), body(b"", more=False)]]


def test_error_comes_back_when_the_response_has_left(sent: Sent, response: Response) -> None:
    response.start_response("200 OK", [])
    response.send_chunk(b"part")

    with pytest.raises(KeyError, match="lost") as caught:
        failing(response)
    assert any(entry.name == "failing" for entry in caught.traceback)
    assert len(sent) == 1


def test_first_start_response_may_carry_an_error(sent: Sent, response: Response) -> None:
    failing(response)
    response.finish()

    assert sent[0][0]["status"] == 500


@pytest.mark.parametrize("status", ["200 OK", "200 ", "200", "418 I'm a teapot", "599 x y"])
def test_status(sent: Sent, response: Response, status: str) -> None:
    response.start_response(status, [])
    response.finish()

    assert sent[0][0]["status"] == int(status[:3])


@pytest.mark.parametrize("status", ["", "OK", "20 OK", "2000 OK", "200OK", "200 O\r\nK", "020 x"])
def test_wrong_status(response: Response, status: str) -> None:
    with pytest.raises(ValueError, match="status"):
        response.start_response(status, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "a\r\nX-B: b"), ("X-A", "a\n"), ("X-A", "\0"), ("X\r\n", "a"), ("X-A", "\x7f")],
)
def test_control_characters_in_headers(response: Response, name: str, value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        response.start_response("200 OK", [(name, value)])


@pytest.mark.parametrize("value", ["€", "\udce9"])
def test_headers_are_latin_1(response: Response, value: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        response.start_response("200 OK", [("X-A", value)])


@pytest.mark.parametrize("value", ["", "a", "-1", "1.5"])
def test_wrong_content_length(response: Response, value: str) -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        response.start_response("200 OK", [("Content-Length", value)])


def test_wrong_types(response: Response) -> None:
    wrong: Any = response
    with pytest.raises(TypeError, match="status"):
        wrong.start_response(b"200 OK", [])
    with pytest.raises(TypeError, match="headers"):
        wrong.start_response("200 OK", [(b"x", b"y")])
    write = wrong.start_response("200 OK", [])
    with pytest.raises(TypeError, match="bytes, not str"):
        write("text")
    with pytest.raises(TypeError, match="bytes, not str"):
        wrong.send_chunk("text")


def test_hop_by_hop_fields_are_the_servers(sent: Sent, response: Response) -> None:
    response.start_response(
        "200 OK",
        [("Connection", "close"), ("Transfer-Encoding", "chunked"), ("Server", "mine")],
    )
    response.finish()

    assert sent[0][0]["headers"] == [(b"server", b"mine")]


def test_repeated_fields_stay(sent: Sent, response: Response) -> None:
    response.start_response("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    response.finish()

    assert sent[0][0]["headers"] == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]


def test_start_can_be_prevented(sent: Sent) -> None:
    def may_start() -> None:
        raise OSError("no")

    response = Response(sent, may_start)
    response.start_response("200 OK", [])

    with pytest.raises(OSError, match="no"):
        response.finish()
    assert sent == []
    assert not response.headers_sent
