"""The log stays readable whatever strangers send."""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.service.calm import Calm, harmless


class Said(logging.Handler):
    """Keeps what is logged, as a terminal would show it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


now = [0.0]
logger = logging.getLogger("tests.calm")
logger.propagate = False


@pytest.fixture
def said() -> Generator[Said]:
    now[0] = 0.0
    handler, calm = Said(), Calm(clock=lambda: now[0])
    logger.addHandler(handler)
    logger.addFilter(calm)
    yield handler
    logger.removeHandler(handler)
    logger.removeFilter(calm)


def flush() -> None:
    for calm in logger.filters:
        assert isinstance(calm, Calm)
        calm.flush()


def test_a_thousand_lines_of_one_kind_are_five_and_then_their_number(said: Said) -> None:
    for n in range(1000):
        logger.error("%s failed", f"/path/{n}")
        logger.error(f"connection {n} at 0x{n:x} broke")
    logger.error("another kind")
    assert len(said.lines) == 11
    flush()
    assert len(said.lines) == 11, "the minute is not over"
    now[0] = 60
    flush()
    flush()
    assert said.lines[11:] == [
        "995 more like this in a minute: /path/0 failed",
        "995 more like this in a minute: connection 0 at 0x0 broke",
    ]
    logger.error("%s failed", "later")
    assert said.lines[-1] == "later failed"


def test_the_number_is_said_before_the_next_line_of_the_kind(said: Said) -> None:
    for _ in range(7):
        logger.error("again")
    now[0] = 61
    logger.error("again")
    assert said.lines[-2:] == ["2 more like this in a minute: again", "again"]


def test_ten_thousand_kinds_take_no_more_memory_than_two_hundred(said: Said) -> None:
    for n in range(10_000):
        logger.error("kind " + chr(0x4E00 + n % 20_000))
    calm = logger.filters[0]
    assert isinstance(calm, Calm)
    assert len(calm._kinds) == 200  # pyright: ignore[reportPrivateUsage]
    assert len(said.lines) == 10_000


def test_a_traceback_is_bounded_and_harmless_too(said: Said) -> None:
    try:
        raise ValueError("\x1b[2J" + "x" * 100_000)
    except ValueError:
        logger.exception("%s failed", "\x1b]0;title\x07\n" + "y" * 10_000)
    shown = said.lines[0]
    assert "\x1b" not in shown
    assert len(shown) < 10_000
    assert shown.splitlines()[0].startswith("\\x1b]0;title\\x07\\x0ayyy")


@given(st.text(alphabet=st.characters(), max_size=60), st.integers(1, 40))
def test_any_text_is_one_short_line_that_can_be_written(text: str, longest: int) -> None:
    shown = harmless(text, longest)
    assert len(shown) <= longest
    assert len(shown.splitlines()) <= 1
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
    shown.encode("utf-8")
