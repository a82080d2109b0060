"""The statements that PostgreSQL needs in its own words."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import EventRow
from metrica.dashboard.database.postgresql.connections import Session

# `events` is cut into months, so none of its own keys can say that an id is new: `event_ids` does.
_INSERT = b"""
    WITH sent AS (
        SELECT * FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]
        ) AS row (store, id, camera, line, direction, track, time, received)
    ), new AS (
        INSERT INTO event_ids (store, id) SELECT store, id FROM sent ON CONFLICT DO NOTHING RETURNING store, id
    )
    INSERT INTO events (store, id, camera, line, direction, track, time, received)
    SELECT sent.* FROM sent JOIN new USING (store, id) RETURNING store, id
"""

_MANY = 50
"""Rows from which on it is worth to copy them."""

_TABLES = b"""
    SELECT t.relname,
        coalesce(array_agg(o.relname) FILTER (WHERE o.relname IS NOT NULL), '{}')
    FROM pg_class t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = $1 AND NOT a.attisdropped
    LEFT JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f'
    LEFT JOIN pg_class o ON o.oid = c.confrelid
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
    GROUP BY t.relname ORDER BY t.relname
"""

_KEY = b"""
    SELECT quote_ident(a.attname) FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY key (number, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
    WHERE i.indisprimary AND i.indrelid = to_regclass(quote_ident($1)) ORDER BY key.place
"""


def insert_events(session: Session, rows: Sequence[EventRow]) -> list[EventRow]:
    """Insert the rows whose ids their stores do not have yet, and return them."""
    first: dict[tuple[str, str], EventRow] = {}
    for row in rows:
        first.setdefault((row[0], row[1]), row)
    if not first:
        return []
    stores = sorted({store for store, _ in first})
    found = session.conn.execute(b"SELECT id FROM stores WHERE id = ANY($1) FOR KEY SHARE", (stores,)).fetchall()
    if missing := set(stores) - {row[0] for row in found}:
        raise DatabaseError(f"there is no store {min(missing)!r}: add it first")
    if len(first) >= _MANY and _copied(session, list(first.values())):
        return list(first.values())
    columns = [list(column) for column in zip(*first.values(), strict=True)]
    return [first[store, name] for store, name in session.conn.execute(_INSERT, columns).fetchall()]


def _copied(session: Session, rows: Sequence[EventRow]) -> bool:
    """Copy rows that are new, as nearly always; False, and nothing is changed, if one of them is known.

    COPY takes half the time of the statement that looks for each id.
    """
    session.conn.execute(b"SAVEPOINT copied")
    try:
        cursor = session.conn.cursor()
        with cursor.copy(b"COPY event_ids (store, id) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row[:2])
        with cursor.copy(b"COPY events (store, id, camera, line, direction, track, time, received) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.errors.UniqueViolation:
        session.conn.execute(b"ROLLBACK TO SAVEPOINT copied")
        return False
    session.conn.execute(b"RELEASE SAVEPOINT copied")
    return True


def tables_with(session: Session, column: str) -> dict[str, set[str]]:
    """Return the tables with a column of this name, and the tables that each of them refers to."""
    return {name: set(others) for name, others in session.conn.execute(_TABLES, (column,)).fetchall()}


def key_of(session: Session, table: str) -> tuple[str, ...]:
    """Return the columns that name a row of a table: its key, or where the row lies if it has none."""
    found = session.conn.execute(_KEY, (table,)).fetchall()
    return tuple(row[0] for row in found) or ("tableoid", "ctid")
