"""Log files after logrotate: lines go to the new file, and none is lost."""

from __future__ import annotations

import logging
import logging.handlers
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hypercorn.log_files import reopen


@pytest.fixture
def logger(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    """A logger of the test's own, without handlers at the end."""
    logger = logging.getLogger(f"test of log files.{request.node.name}")
    logger.propagate = False
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "error.log"


def rotated(path: Path) -> Path:
    return path.rename(path.with_suffix(".1"))


def test_lines_go_to_the_new_file(logger: logging.Logger, path: Path) -> None:
    logger.addHandler(logging.FileHandler(path))
    logger.error("one")
    old = rotated(path)
    logger.error("two")
    assert reopen() == []
    logger.error("three")
    assert (old.read_text(), path.read_text()) == ("one\ntwo\n", "three\n")


@pytest.mark.parametrize("mode", ["w", "x", "a"])
def test_a_file_that_was_not_moved_keeps_its_lines(
    logger: logging.Logger, path: Path, mode: str
) -> None:
    logger.addHandler(logging.FileHandler(path, mode=mode))
    logger.error("one")
    assert reopen() == []
    logger.error("two")
    assert path.read_text() == "one\ntwo\n"


def test_the_former_file_is_closed(logger: logging.Logger, path: Path) -> None:
    handler = logging.FileHandler(path)
    logger.addHandler(handler)
    former = handler.stream
    reopen()
    assert former is not None
    assert former.closed
    assert handler.stream is not former


@pytest.mark.parametrize(
    "kind",
    [
        logging.handlers.RotatingFileHandler,
        logging.handlers.TimedRotatingFileHandler,
        logging.handlers.WatchedFileHandler,
    ],
)
def test_handlers_that_rotate_by_themselves(
    logger: logging.Logger, path: Path, kind: type[logging.FileHandler]
) -> None:
    logger.addHandler(kind(path))
    logger.error("one")
    old = rotated(path)
    assert reopen() == []
    logger.error("two")
    logger.error("three")
    assert (old.read_text(), path.read_text()) == ("one\n", "two\nthree\n")


def test_a_handler_behind_a_buffer(logger: logging.Logger, path: Path) -> None:
    file = logging.FileHandler(path)
    logger.addHandler(logging.handlers.MemoryHandler(1000, target=file))
    logger.info("one")
    old = rotated(path)
    assert reopen() == []
    logger.error("two")
    file.close()
    assert (old.read_text(), path.read_text()) == ("", "two\n")


def test_a_delayed_file_is_not_opened(logger: logging.Logger, path: Path) -> None:
    logger.addHandler(logging.FileHandler(path, delay=True))
    assert reopen() == []
    assert not path.exists()


def test_a_file_that_cannot_be_opened_is_kept_and_told(
    logger: logging.Logger, path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.log"
    logger.addHandler(logging.FileHandler(path))
    logger.addHandler(logging.FileHandler(other))
    old = rotated(path)
    path.mkdir()
    rotated(other)
    assert reopen() == [f"cannot open {str(path)!r} again: Is a directory"]
    logger.error("one")
    assert (old.read_text(), other.read_text()) == ("one\n", "one\n")


def test_no_line_is_lost_while_others_write(logger: logging.Logger, path: Path) -> None:
    logger.addHandler(logging.FileHandler(path))
    lines, rotations = 500, 20

    def write() -> None:
        for _ in range(lines):
            logger.error("line")

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    files = [path]
    for number in range(rotations):
        files.append(path.rename(path.with_suffix(f".{number}")))
        assert reopen() == []
    for writer in writers:
        writer.join()
    written = [line for file in files for line in file.read_text().splitlines()]
    assert written == ["line"] * (lines * len(writers))
