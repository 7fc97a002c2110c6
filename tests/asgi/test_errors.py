"""The errors: what they carry and what frameworks may take them for."""

from __future__ import annotations

import pickle
from enum import Enum

import pytest

from hypercorn_asgi import errors
from hypercorn_asgi.errors import (
    BodyTooLargeError,
    ClientDisconnected,
    InvalidPathError,
    LifespanFailureError,
    LifespanTimeoutError,
    UnexpectedMessageError,
)


class State(Enum):
    REQUEST = 1


def test_unexpected_message() -> None:
    error = UnexpectedMessageError(State.REQUEST, "http.response.body")

    assert (error.state, error.message_type) == (State.REQUEST, "http.response.body")
    assert "http.response.body" in str(error)
    assert "State.REQUEST" in str(error)


@pytest.mark.parametrize("stage", ["startup", "shutdown"])
def test_lifespan(stage: str) -> None:
    timeout, failure = LifespanTimeoutError(stage), LifespanFailureError(stage, "no database")

    assert timeout.stage == failure.stage == stage
    assert stage in str(timeout)
    assert stage in str(failure)
    assert failure.message == "no database"
    assert "no database" in str(failure)


@pytest.mark.parametrize("error", [ClientDisconnected(), BodyTooLargeError(10)])
def test_what_input_and_output_raise_is_an_os_error(error: Exception) -> None:
    assert isinstance(error, OSError)
    assert str(error)


def test_limit_is_told() -> None:
    assert BodyTooLargeError(10).limit == 10


def test_every_error_is_exported_and_says_whose_fault_it_is() -> None:
    assert InvalidPathError in {getattr(errors, name) for name in errors.__all__}
    for name in errors.__all__:
        text = getattr(errors, name).__doc__.lower()
        assert "fault" in text or "verdict" in text, name


@pytest.mark.parametrize(
    "error",
    [
        ClientDisconnected("gone"),
        BodyTooLargeError(10),
        InvalidPathError("/x"),
        LifespanFailureError("startup", "no database"),
        LifespanTimeoutError("startup"),
        UnexpectedMessageError(State.REQUEST, "http.response.body"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_the_way_out_of_a_process(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
