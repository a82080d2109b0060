"""Sums for each minute: what becomes of events that a journal cannot keep any longer, and that no server has taken.

    2026-01-01 10:01 UTC, camera door, line entrance: 3 in, 1 out, never sent

Sums stay on the box: `metrica-journal sums` prints them. When there are very many, the oldest minutes become hours, and
the oldest hours days, so that their number is bounded too.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from metrica.errors import DecodeError
from metrica.journal.schema import REFUSED, SENT, SUM_COLUMNS, UNSENT
from metrica.messages import Crossing, decode

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_MOST = 200_000  # sums of one length; about 10 MB
_MONTH = 30 * _DAY * 10**9
_KEY = "seconds, start, kind, camera, line, direction"


class Sum(NamedTuple):
    """How many events there were in a time, of one kind, line and direction."""

    kind: str
    """Name of the message type, such as "Crossing"."""
    camera: str
    """Name of the camera; empty if the event could not be read."""
    line: str
    """Name of the line; empty if the event has none."""
    direction: str
    """"in" or "out"; empty if the event has none."""
    start: int
    """When the time begins, seconds UTC."""
    seconds: int
    """How long it is: 60, or 3600 or 86,400 when there are very many sums."""
    unsent: int
    """How many events the server never got."""
    refused: int
    """How many the server refused."""


_ADD = f"""INSERT INTO event_sum ({SUM_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT ({_KEY}) DO UPDATE SET unsent = unsent + excluded.unsent, refused = refused + excluded.refused"""


def fold(connection: sqlite3.Connection, before: int, limit: int) -> int:
    """Replace the oldest events by their sums, at most `limit`, if no server has them. Returns how many those were.

    before: only events that were appended or refused before this, ns UTC.
    """
    query = """SELECT position, kind, payload, changed FROM event
        WHERE state = ? AND changed < ? ORDER BY changed LIMIT ?"""
    for state in (UNSENT, REFUSED):
        rows = connection.execute(query, (state, before, limit)).fetchall()
        if rows:
            counts = (1, 0) if state == UNSENT else (0, 1)
            groups = [(*_group(kind, payload, changed), _MINUTE, *counts) for _, kind, payload, changed in rows]
            connection.executemany(_ADD, groups)
            connection.executemany("DELETE FROM event WHERE position = ?", [(row[0],) for row in rows])
            for seconds, longer in ((_MINUTE, _HOUR), (_HOUR, _DAY)):
                while _coarsen(connection, seconds, longer):
                    continue
            return len(rows)
    return 0


def is_gapless(connection: sqlite3.Connection, before: int, now: int) -> bool:
    """Whether there is no month without an event around `before`, or more than a month of events since. All ns UTC."""
    older = [_one(connection, "max(changed)", "<", state, before) for state in (UNSENT, SENT, REFUSED)]
    newer = [_one(connection, "min(changed)", ">=", state, before) for state in (UNSENT, SENT, REFUSED)]
    last = max((time for time in older if time is not None), default=before)
    first = min((time for time in newer if time is not None), default=now)
    return first - last < _MONTH or now - first > _MONTH


def _one(connection: sqlite3.Connection, what: str, than: str, state: int, before: int) -> int | None:
    query = f"SELECT {what} FROM event WHERE state = ? AND changed {than} ?"
    found: int | None = connection.execute(query, (state, before)).fetchone()[0]
    return found


def sums(connection: sqlite3.Connection) -> list[Sum]:
    """All sums, the oldest first."""
    query = f"SELECT {SUM_COLUMNS} FROM event_sum ORDER BY start, kind, camera, line, direction"
    return [Sum(*row) for row in connection.execute(query)]


def _group(kind: str, payload: bytes, changed: int) -> tuple[str, str, str, str, int]:
    """What a sum tells events apart by: kind, camera, line, direction, and the minute."""
    try:
        msg = decode(payload)
    except DecodeError:
        msg = None  # it is still an event of its kind, and of the minute in which it was written
    if isinstance(msg, Crossing):
        return kind, msg.header.camera, msg.line, msg.direction, msg.time // 10**9 // _MINUTE * _MINUTE
    return kind, msg.header.camera if msg else "", "", "", changed // 10**9 // _MINUTE * _MINUTE


def _coarsen(connection: sqlite3.Connection, seconds: int, longer: int) -> bool:
    """If there are too many sums of one length, make longer ones of the oldest. Returns whether there were."""
    count, start = connection.execute(
        "SELECT count(*), min(start) FROM event_sum WHERE seconds = ?", (seconds,)
    ).fetchone()
    if count <= _MOST:
        return False
    # Whole days, as many as hold a tenth: a day is never half in minutes and half in one sum.
    middle = connection.execute(
        "SELECT start FROM event_sum WHERE seconds = ? ORDER BY start LIMIT 1 OFFSET ?", (seconds, count // 10)
    ).fetchone()[0]
    end = (max(middle, start) // _DAY + 1) * _DAY
    connection.execute(
        f"""INSERT INTO event_sum ({SUM_COLUMNS})
        SELECT kind, camera, line, direction, start / ?1 * ?1, ?1, sum(unsent), sum(refused) FROM event_sum
            WHERE seconds = ?2 AND start < ?3 GROUP BY kind, camera, line, direction, start / ?1
        ON CONFLICT ({_KEY}) DO UPDATE SET unsent = unsent + excluded.unsent, refused = refused + excluded.refused""",
        (longer, seconds, end),
    )
    connection.execute("DELETE FROM event_sum WHERE seconds = ? AND start < ?", (seconds, end))
    return True
