"""Structured logs: a node writes one JSON object per line, and the launcher shows it as text or passes it on.

Keys: `time` (ISO 8601, UTC), `level`, `node`, `message`, then the keyword arguments of the call, and `error` with the
traceback if there is one.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

_COLOURS = {"DEBUG": "\x1b[2m", "INFO": "", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31;1m"}
_RESET = "\x1b[0m"
_CREDENTIALS = re.compile(r"(\w://)[^\s\"]*@")
_KEYS = ("time", "level", "node", "message", "error")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON. `node` is the name for records that name no node (those of a library)."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = getattr(record, "fields", {})
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "node": getattr(record, "node", "") or self._node,
            "message": record.getMessage(),
            **{k: v for k, v in fields.items() if k not in _KEYS},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        shown = json.dumps(line, ensure_ascii=False, default=str)
        # A file name may hold bytes that are not text. A password in an address must never be shown.
        return _CREDENTIALS.sub(r"\1***@", shown.encode("utf-8", "backslashreplace").decode())


class TextFormatter(JsonFormatter):
    """Formats a record as `text` does."""

    def __init__(self, node: str, *, colour: bool = False) -> None:
        super().__init__(node)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        return text(json.loads(super().format(record)), colour=self._colour)


def setup(node: str, *, level: str = "INFO", as_json: bool = True, stream: TextIO | None = None) -> None:
    """Write every log record of this process to a stream, by default standard error, as JSON or as text."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonFormatter(node) if as_json else TextFormatter(node, colour=handler.stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def parse(line: str) -> dict[str, Any] | None:
    """The record in a line that a node wrote; None for any other line, such as the output of a library."""
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in _KEYS[:4]):
        return None
    try:
        datetime.fromisoformat(record["time"])
    except ValueError:
        return None
    return record


def text(record: dict[str, Any], *, colour: bool = False) -> str:
    """A record as a line for people, in local time.

    Example: `18:23:45.120 INFO    /door/capture  camera opened  width=1280 fps=15.0`
    """
    when = datetime.fromisoformat(record["time"]).astimezone()
    fields = " ".join(f"{k}={_value(v)}" for k, v in record.items() if k not in _KEYS)
    line = f"{when:%H:%M:%S}.{when.microsecond // 1000:03d} {record['level']:<7} {record['node']}  {record['message']}"
    if fields:
        line += f"  {fields}"
    if record.get("error"):
        line += "\n" + "\n".join(f"    {row}" for row in str(record["error"]).splitlines())
    tint = _COLOURS.get(record["level"], "") if colour else ""
    return f"{tint}{line}{_RESET}" if tint else line


def _value(value: Any) -> str:
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return json.dumps(shown, ensure_ascii=False) if any(c.isspace() for c in shown) else shown
