"""A PostgreSQL database as an end of a copy. A copy into it is one transaction, from the schema to the last sum."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Mapping, Sequence

import psycopg

from metrica.dashboard.copying.ends import PIECE, End, Piece, Source, Target
from metrica.dashboard.copying.fresh import fresh_rows
from metrica.dashboard.copying.tables import Table, quoted
from metrica.dashboard.database.errors import DatabaseDamagedError, DatabaseError
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.database.postgresql.address import Address
from metrica.dashboard.database.postgresql.connections import Psycopg, Session, connect
from metrica.dashboard.database.postgresql.errors import database_error
from metrica.dashboard.database.postgresql.migrations import migrate, taken_steps
from metrica.dashboard.database.postgresql.partitions import make_month, month_of
from metrica.dashboard.database.schema.events_by_month import EVENT_IDS, FILL_EVENT_IDS
from metrica.dashboard.database.schema.steps import STEPS

_OWN = ("metrica_steps", "metrica_identity", EVENT_IDS)
"""What the engine notes about itself, and what is made of other tables."""
_KINDS = {"bigint": "integer", "integer": "integer", "double precision": "real"}

_COLUMNS = b"""
    SELECT t.relname, a.attname, format_type(a.atttypid, NULL), a.attidentity <> ''
    FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
        AND t.relname <> ALL($1) AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
    ORDER BY t.relname, a.attnum
"""
_REFERS = b"""
    SELECT t.relname, o.relname FROM pg_constraint c
    JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class o ON o.oid = c.confrelid
    WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace
"""
# However long it takes: nobody waits for it, and a cut connection ends it.
_PATIENCE = b"""
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL lock_timeout = '10s'
"""
_OTHERS = b"""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'metrica' AND pid <> pg_backend_pid()
"""


class _PostgresqlEnd(End):
    """What both ends have. What each method does stands at `End`."""

    def __init__(self, conn: Psycopg, name: str) -> None:
        self._conn = conn
        self.name = self.label = name

    def tables(self) -> dict[str, Table]:
        with _said(self.name):
            columns: dict[str, list[tuple[str, str]]] = {}
            numbers: dict[str, str] = {}
            for table, column, kind, counts in self._conn.execute(_COLUMNS, (list(_OWN),)).fetchall():
                columns.setdefault(table, []).append((column, str(_KINDS.get(kind, kind))))
                if counts:
                    numbers[table] = column
            refers = self._conn.execute(_REFERS).fetchall()
        return {
            table: Table(table, tuple(found), frozenset(o for t, o in refers if t == table), numbers.get(table))
            for table, found in columns.items()
        }

    def read(self, table: Table) -> Iterator[Piece]:
        with _said(self.name), psycopg.RawServerCursor(self._conn, "metrica_copy") as cursor:
            cursor.execute(table.select().encode())
            while piece := cursor.fetchmany(PIECE):
                yield piece


class PostgresqlSource(_PostgresqlEnd, Source):
    """A database that is read."""

    def __init__(self, conn: Psycopg, name: str) -> None:
        super().__init__(conn, name)
        self.moment = time.time_ns()
        row = conn.execute(_OTHERS).fetchone()  # the first statement of the transaction: its snapshot is of now
        self.in_use = row is not None and row[0] > 0

    def last_numbers(self, tables: Sequence[Table]) -> dict[str, int]:
        sql = b"SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass), 0)"
        found: dict[str, int] = {}
        with _said(self.name):
            for table in tables:
                if table.number is not None:
                    row = self._conn.execute(sql, (f'"{table.name}"', table.number)).fetchone()
                    found[table.name] = row[0] if row else 0
        return found


class PostgresqlTarget(_PostgresqlEnd, Target):
    """A database that is written, in a transaction."""

    def __init__(self, conn: Psycopg, name: str) -> None:
        super().__init__(conn, name)
        self._months: set[tuple[int, int]] = set()

    @property
    def connection(self) -> Connection:
        return Session(self._conn)

    def empty(self, tables: Sequence[Table]) -> None:
        with _said(self.name):
            names = ", ".join(f'"{table.name}"' for table in tables)
            self._conn.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE".encode())  # others may read
            for table in reversed(tables):
                known = fresh_rows(table)
                sql = f"{table.select()} LIMIT {len(known) + 1}"
                if set(self._conn.execute(sql.encode()).fetchall()) - known:
                    raise DatabaseError(
                        f"the database {self.name} holds data already (in the table {table.name}): make an empty one"
                    )
                self._conn.execute(f'DELETE FROM "{table.name}"'.encode())

    def write(self, table: Table, piece: Piece) -> None:
        with _said(self.name):
            if table.name == "events":
                self._require_months(table, piece)
            sql = f'COPY "{table.name}" ({quoted(table.names)}) FROM STDIN'
            with self._conn.cursor() as cursor, cursor.copy(sql.encode()) as copy:
                for row in piece:
                    copy.write_row(row)

    def finish(self, tables: Sequence[Table], last_numbers: Mapping[str, int]) -> None:
        with _said(self.name):
            self._conn.execute(FILL_EVENT_IDS.encode())
            for table in tables:
                if table.number is not None:
                    after = last_numbers.get(table.name, 0) + 1
                    sql = f'ALTER TABLE "{table.name}" ALTER COLUMN "{table.number}" RESTART WITH {after}'
                    self._conn.execute(sql.encode())
            # So that the first questions are answered as fast as the later ones.
            names = ", ".join(f'"{name}"' for name in (*(table.name for table in tables), EVENT_IDS))
            self._conn.execute(f"ANALYZE {names}".encode())

    def _require_months(self, table: Table, piece: Piece) -> None:
        place = table.names.index("time")
        wanted = {month for row in piece if (month := month_of(row[place])) is not None}
        for month in sorted(wanted - self._months):
            make_month(self._conn, *month)
            self._months.add(month)


@contextlib.contextmanager
def postgresql_source(url: str) -> Generator[PostgresqlSource]:
    """Connect to a database to read all of it as it is at this moment. It is never changed. Raises DatabaseError."""
    address = Address.of(url)
    with _said(address.name), contextlib.closing(connect(address, reading=True)) as conn:
        taken = taken_steps(conn, address.name)
        if not taken:
            raise DatabaseDamagedError(f"the database {address.name} is empty, not one of Metrica: name another one")
        if taken != {step.name for step in STEPS}:
            raise DatabaseError(
                f"the database {address.name} is of an older Metrica: run 'metrica-admin store list --database"
                f" {address.name}' once, which brings it up to date"
            )
        conn.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        conn.execute(_PATIENCE, prepare=False)
        yield PostgresqlSource(conn, address.name)
        conn.execute(b"ROLLBACK")  # nothing was written


@contextlib.contextmanager
def postgresql_target(url: str) -> Generator[PostgresqlTarget]:
    """Begin a transaction in a database, with the tables of this schema. Others see it when it is complete."""
    address = Address.of(url)
    with _said(address.name), contextlib.closing(connect(address)) as conn, conn.transaction():
        conn.execute(_PATIENCE, prepare=False)
        migrate(conn, address.name, time.time_ns)
        conn.execute(_PATIENCE, prepare=False)  # a migration waits for locks as long as it takes, and a copy not
        yield PostgresqlTarget(conn, address.name)
        conn.execute(b"SET LOCAL synchronous_commit = on")


@contextlib.contextmanager
def _said(name: str) -> Generator[None]:
    """Give the errors of PostgreSQL as sentences."""
    try:
        yield
    except psycopg.Error as error:
        raise database_error(error, name) from None
