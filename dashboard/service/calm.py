"""Keeps the log readable while strangers send what they like: few lines of a kind, short, no control characters."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_OF_ONE_KIND = 5  # lines
_WINDOW = 60.0  # s
_KINDS = 200  # at a time, so that their memory is bounded
_LONGEST = 500  # characters of a line
_LONGEST_ERROR = 8000  # characters of a traceback
_VARYING = re.compile(r"0x[0-9a-f]+|\d+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(slots=True)
class _Kind:
    began: float
    count: int
    sample: logging.LogRecord


class Calm(logging.Filter):
    """A filter that lets through a few records of one kind a minute, and then says how many more there were.

    Of one kind are records of one logger and level whose message is the same before its values are put in.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds, monotonic."""
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, int, str], _Kind] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; makes it short and harmless if so."""
        if getattr(record, "is_calm", False):
            return True
        key = (record.name, record.levelno, _VARYING.sub("#", str(record.msg)[:_LONGEST]))
        with self._lock:
            kind = self._kinds.get(key)
            if kind is None or self._clock() - kind.began >= _WINDOW:
                if kind is None and len(self._kinds) >= _KINDS:
                    del self._kinds[next(iter(self._kinds))]
                self._say_rest(kind)
                kind = self._kinds[key] = _Kind(self._clock(), 0, record)
            kind.count += 1
            if kind.count > _OF_ONE_KIND:
                return False
        record.msg, record.args = harmless(record.getMessage(), _LONGEST), ()
        if record.exc_info:
            text = logging.Formatter().formatException(record.exc_info)
            record.exc_text = "\n".join(harmless(line, _LONGEST) for line in text[-_LONGEST_ERROR:].splitlines())
        return True

    def flush(self) -> None:
        """Say how many more there were of the kinds whose minute is over."""
        with self._lock:
            for key, kind in list(self._kinds.items()):
                if self._clock() - kind.began >= _WINDOW:
                    del self._kinds[key]
                    self._say_rest(kind)

    def _say_rest(self, kind: _Kind | None) -> None:
        if kind is None or kind.count <= _OF_ONE_KIND:
            return
        was = kind.sample
        more = f"{kind.count - _OF_ONE_KIND} more like this in a minute: {was.getMessage()}"
        record = logging.LogRecord(was.name, was.levelno, was.pathname, was.lineno, more, (), None, was.funcName)
        record.is_calm = True
        logging.getLogger(was.name).handle(record)


CALM = Calm()
"""The filter of all loggers that write on behalf of strangers."""


def calm_logger(name: str) -> logging.Logger:
    """Return the logger of this name, which now has the filter."""
    logger = logging.getLogger(name)
    logger.addFilter(CALM)  # a second time changes nothing
    return logger


def harmless(text: str, longest: int) -> str:
    """Return the text on one line, without characters that act on a terminal, and not longer than `longest`."""
    shown = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
