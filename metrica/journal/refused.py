"""What the server has refused: found by id, by reason or by time, and made unsent again."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from metrica.journal.schema import REFUSED, UNSENT


class Refused(NamedTuple):
    """An event that the server has refused."""

    position: int
    """Its place in the order of the commits."""
    id: str
    """The event's id."""
    kind: str
    """Name of the message type, such as "Crossing"."""
    reason: str
    """Why the server refused it."""
    at: int
    """When it was refused, ns UTC."""


class Search(NamedTuple):
    """Which refused events are meant: those for which all of it is true. As it is here: all of them."""

    ids: tuple[str, ...] = ()
    """Only these; empty for any."""
    reason: str = ""
    """Only those with this in the reason, in capital or small letters."""
    since: int = 0
    """Only those that were refused at this time or later, ns UTC."""


def find(connection: sqlite3.Connection, search: Search, after: int, limit: int) -> list[Refused]:
    """The refused events after a position that are meant, in the order of their commits, at most `limit`."""
    where = "state = ? AND position > ? AND changed >= ? AND instr(lower(coalesce(reason, '')), lower(?))"
    values: list[object] = [REFUSED, after, search.since, search.reason]
    if search.ids:
        where += f" AND id IN ({', '.join('?' for _ in search.ids)})"
        values += search.ids
    query = f"SELECT position, id, kind, coalesce(reason, ''), changed FROM event WHERE {where}"
    return [Refused(*row) for row in connection.execute(f"{query} ORDER BY position LIMIT ?", (*values, limit))]


def make_unsent(connection: sqlite3.Connection, events: Sequence[Refused], now: int) -> int:
    """Make events unsent again. now: ns UTC. Returns how many were still refused."""
    statement = "UPDATE event SET state = ?, changed = ?, reason = NULL WHERE position = ? AND state = ?"
    return connection.executemany(statement, [(UNSENT, now, event.position, REFUSED) for event in events]).rowcount
