"""Structured logs: a node writes one JSON object per line, and the launcher shows it as text or passes it on.

Keys: `time` (ISO 8601, UTC), `level`, `node`, `message`, then the keyword arguments of the call, and `error` with the
traceback if there is one. Secrets (`metrica.secrets`) are hidden in all of them but `time`, `level` and `node`, also in
the records of libraries: the handler of the root logger does it, because a filter of a logger does not see the records
of its children.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from metrica.secrets.handler import HidingFormatter, HidingHandler
from metrica.secrets.registry import hide, hide_value
from metrica.secrets.streams import hide_in_tracebacks

_COLOURS = {"DEBUG": "\x1b[2m", "INFO": "", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31;1m"}
_RESET = "\x1b[0m"
_KEYS = ("time", "level", "node", "message", "error")


class JsonFormatter(HidingFormatter):
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
            "message": hide(record.getMessage()),
            **{k: hide_value(v) for k, v in fields.items() if k not in _KEYS},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # A file name may hold bytes that are not text.
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


class TextFormatter(JsonFormatter):
    """Formats a record as `text` does."""

    def __init__(self, node: str, *, colour: bool = False) -> None:
        super().__init__(node)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        return text(json.loads(super().format(record)), colour=self._colour)


def setup(node: str, *, level: str = "INFO", as_json: bool = True, stream: TextIO | None = None) -> None:
    """Write every log record of this process to a stream, by default standard error, as JSON or as text."""
    handler = HidingHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonFormatter(node) if as_json else TextFormatter(node, colour=handler.stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    hide_in_tracebacks()


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


def without_secrets(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the secrets that this process knows; its time, level and node stay as they are."""
    return {key: value if key in _KEYS[:3] else hide_value(value) for key, value in record.items()}


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
