"""How the rows of an export are written: CSV for spreadsheets, JSON lines for programs, or one JSON array."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Literal

from metrica.dashboard.upkeep.export import Cell, Row

Format = Literal["csv", "jsonl", "json"]

FORMATS: dict[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
}
"""The media type of each format."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BYTE_ORDER_MARK = "\ufeff"


def safe_cell(value: Cell) -> Cell:
    """Return a value that no spreadsheet takes for a formula: one that begins like it gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULAS) else value


def written(rows: Iterable[Row], columns: tuple[str, ...], form: Format, *, mark: bool = False) -> Iterator[str]:
    """Give the text of an export, a line or so at a time.

    mark: begin CSV with a byte order mark, without which Excel does not take it for UTF-8.
    """
    if form == "csv":
        yield from _csv(rows, columns, mark)
        return
    listed = (json.dumps({column: row[column] for column in columns}, ensure_ascii=False) for row in rows)
    if form == "jsonl":
        yield from (f"{line}\n" for line in listed)
        return
    before = "[\n"
    for line in listed:
        yield before + line
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def in_chunks(pieces: Iterable[str], size: int) -> Iterator[bytes]:
    """Put pieces of text together to chunks of at least `size` characters, in UTF-8; the last may be shorter."""
    waiting: list[str] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield "".join(waiting).encode()
            waiting, length = [], 0
    if waiting:
        yield "".join(waiting).encode()


def _csv(rows: Iterable[Row], columns: tuple[str, ...], mark: bool) -> Iterator[str]:
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(columns)
    yield (_BYTE_ORDER_MARK if mark else "") + out.getvalue()
    for row in rows:
        out.seek(0)
        out.truncate()
        table.writerow([safe_cell(row[column]) for column in columns])
        yield out.getvalue()
