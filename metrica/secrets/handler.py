"""Logging without secrets: for every record of every logger, also those of libraries.

A filter of the root logger would not do: it does not see the records of the loggers below it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType
from typing import Any, TextIO, TypeAlias

from metrica.secrets.registry import hide
from metrica.secrets.streams import hide_in_tracebacks

_ErrorInfo: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"
_QUOTES_STRANGERS = "aiohttp.http_exceptions"
"""The module of exceptions that quote what somebody has sent. That may be a token, and it is not known here."""


class HidingFormatter(logging.Formatter):
    """A formatter of the standard library, with the secrets in the whole line hidden."""

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record))

    def formatException(self, ei: _ErrorInfo) -> str:
        """The traceback without secrets, and without what a stranger has sent that is not HTTP."""
        for error in _chain(ei[1]):
            if type(error).__module__ == _QUOTES_STRANGERS:
                return f"{type(error).__name__}: what was sent is not HTTP, and is not shown"
        return hide(super().formatException(ei))


class HidingHandler(logging.StreamHandler[TextIO]):
    """A handler that says without secrets what is wrong with a record that cannot be formatted."""

    def handleError(self, record: logging.LogRecord) -> None:
        # logging's own would print the arguments of the call as they are.
        if not logging.raiseExceptions:
            return
        try:
            what = f"a log record made at {record.pathname}:{record.lineno} cannot be shown"
            broken = logging.LogRecord(record.name, logging.ERROR, record.pathname, record.lineno, what, (), None)
            fields: dict[str, Any] = {"reason": traceback.format_exc(limit=-1).strip().rpartition("\n")[2]}
            broken.__dict__["fields"] = fields
            self.stream.write(self.format(broken) + self.terminator)
            self.flush()
        except Exception:  # noqa: BLE001 - a closed stream: there is nowhere left to say anything
            return


def setup_service() -> None:
    """Write every log record of this process to standard error, as lines of text."""
    handler = HidingHandler(sys.stderr)
    handler.setFormatter(HidingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    hide_in_tracebacks()


def _chain(error: BaseException | None) -> list[BaseException]:
    """An exception and those that it was raised from, or while handling."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
