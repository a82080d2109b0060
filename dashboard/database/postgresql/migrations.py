"""The steps of the schema in PostgreSQL; a table of its own says which ones were taken."""

from __future__ import annotations

import secrets

from metrica.dashboard.database.errors import DatabaseDamagedError, DatabaseError
from metrica.dashboard.database.interface import Clock
from metrica.dashboard.database.postgresql.connections import Psycopg, Session
from metrica.dashboard.database.schema.steps import STEPS

_LOCK = 1297372483  # of whoever changes the schema, in any program
_OLDEST = 13
"""The oldest PostgreSQL with which it works."""

_FOREIGN = b"""
    SELECT t.relname FROM pg_class t
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
    ORDER BY t.relname LIMIT 1
"""


def migrate(conn: Psycopg, name: str, clock: Clock) -> str:
    """Bring the schema up to date, and return the identity of the database. name: for sentences.

    Of several programs that start together, one does it and the others wait. Raises DatabaseDamagedError for a
    database of another program or of a newer Metrica, and DatabaseError for one that cannot be used.
    """
    _require_usable(conn, name)
    if taken_steps(conn, name) != _ours():
        with conn.transaction():
            # Here it may take as long as it takes: filling a new table from three years of events, for example.
            conn.execute(b"SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0", prepare=False)
            conn.execute(b"SELECT pg_advisory_xact_lock($1)", (_LOCK,))
            taken = taken_steps(conn, name)
            if not taken:
                _begin(conn)
            session = Session(conn)
            for step in STEPS:
                if step.name not in taken:
                    step.apply(session, "postgresql")
                    conn.execute(b"INSERT INTO metrica_steps (name, taken) VALUES ($1, $2)", (step.name, clock()))
    row = conn.execute(b"SELECT identity FROM metrica_identity").fetchone()
    if row is None:
        raise DatabaseDamagedError(f"the database {name} has lost its identity: restore a backup")
    return str(row[0])


def _begin(conn: Psycopg) -> None:
    conn.execute(b"CREATE TABLE metrica_steps (name TEXT PRIMARY KEY, taken BIGINT NOT NULL)")  # taken: ns UTC
    conn.execute(b"CREATE TABLE metrica_identity (identity TEXT PRIMARY KEY)")
    conn.execute(b"INSERT INTO metrica_identity VALUES ($1)", (secrets.token_hex(16),))


def _require_usable(conn: Psycopg, name: str) -> None:
    version = conn.info.server_version // 10000
    if version < _OLDEST:
        raise DatabaseError(f"the server of {name} is PostgreSQL {version}: {_OLDEST} or newer is needed")
    row = conn.execute(b"SELECT current_setting('server_encoding'), pg_is_in_recovery(), current_schema()").fetchone()
    encoding, standby, schema = row or ("", False, None)
    if encoding != "UTF8":
        raise DatabaseError(f"the database {name} keeps text as {encoding}: make one with ENCODING 'UTF8'")
    if standby:
        raise DatabaseError(f"the database {name} is on a standby, which can only be read: name the primary server")
    if schema is None:
        raise DatabaseError(f"the database {name} has no schema for this user: make one, or set its search_path")


def taken_steps(conn: Psycopg, name: str) -> set[str]:
    """Return the steps that were taken; none if the schema is empty. name: for sentences.

    Raises DatabaseDamagedError for a database of another program or of a newer Metrica.
    """
    if conn.execute(b"SELECT to_regclass('metrica_steps') IS NULL").fetchone() == (True,):
        other = conn.execute(_FOREIGN).fetchone()
        if other is not None:
            raise DatabaseDamagedError(
                f"the database {name} is of another program (it has the table {other[0]}): make an empty one"
            )
        return set()
    taken = {str(row[0]) for row in conn.execute(b"SELECT name FROM metrica_steps").fetchall()}
    newer = sorted(taken - _ours())
    if newer:
        raise DatabaseDamagedError(
            f"the database {name} was written by a newer Metrica (it has {newer[-1]}): upgrade this one"
        )
    return taken


def _ours() -> set[str]:
    return {step.name for step in STEPS}
