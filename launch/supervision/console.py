"""The output of the launcher: its own sentences, the log records of its nodes, and whatever else they print.

Secrets that the launcher knows are hidden in all of it, also in what a C library of a node writes. Only `secretly`
shows one, to whoever sits at the terminal.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from metrica import logs
from metrica.secrets import hide

NAME = "metrica-launch"
"""The name on the launcher's own lines; the lines of a node have the node's name."""


class Console:
    """Writes log records to standard error, and what a node prints on its standard output to the launcher's.

    as_json: one JSON object per line instead of text. level: the lowest level of the launcher's own sentences shown.
    """

    def __init__(
        self, *, as_json: bool = False, level: str = "INFO", out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self._as_json = as_json
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._colour = self._err.isatty() and "NO_COLOR" not in os.environ
        self._closed: set[TextIO] = set()

    def info(self, message: str, **fields: Any) -> None:
        self._say("INFO", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._say("WARNING", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._say("ERROR", message, fields)

    def record(self, record: dict[str, Any]) -> None:
        """Show a node's log record. Raises TypeError or ValueError if it is not a valid log record."""
        record = logs.without_secrets(record)
        shown = (
            json.dumps(record, ensure_ascii=False, default=str)
            if self._as_json
            else logs.text(record, colour=self._colour)
        )
        self._write(self._err, shown)

    def line(self, node: str, line: str, *, is_error: bool) -> None:
        """Show a line that is no log record, such as what a library prints."""
        stream = self._err if is_error else self._out
        line = hide(line)
        if self._as_json:
            self._write(stream, json.dumps(_record("INFO", node, line, {}), ensure_ascii=False))
        else:
            self._write(stream, f"{node}  {line}")

    def secretly(self, text: str) -> bool:
        """Show a line as it is, with its secrets, if a person reads the output: on a terminal, as text.

        Returns whether it was shown.
        """
        if self._as_json or not self._err.isatty():
            return False
        self._write(self._err, text)
        return True

    def _say(self, level: str, message: str, fields: dict[str, Any]) -> None:
        if logging.getLevelNamesMapping()[level] >= self._level:
            self.record(_record(level, NAME, message, fields))

    def _write(self, stream: TextIO, text: str) -> None:
        """Write a line. A closed pipe or terminal is ignored: it is no reason to stop counting people."""
        if stream in self._closed:
            return
        try:
            encoding = stream.encoding or "utf-8"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            stream.flush()
        except (OSError, ValueError):
            self._closed.add(stream)


def _record(level: str, node: str, message: str, fields: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"time": now, "level": level, "node": node, "message": message, **fields}
