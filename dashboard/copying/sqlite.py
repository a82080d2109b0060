"""A SQLite file as an end of a copy."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.copying.ends import PIECE, End, Piece, Source, Target
from metrica.dashboard.copying.tables import Table, quoted
from metrica.dashboard.database.errors import DatabaseDamagedError, DatabaseError, database_error
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.database.schema.steps import STEPS
from metrica.dashboard.database.sqlite.connections import open_writer, require_known_schema
from metrica.dashboard.upkeep.backup import draft_of, keep, require_free
from metrica.dashboard.upkeep.restoring import holder, own_as

_TABLES = (
    r"SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\_sqlite%' ESCAPE '\' ORDER BY 1"
)


class _SqliteEnd(End):
    """What both ends have. What each method does stands at `End`."""

    def __init__(self, conn: sqlite3.Connection, path: Path, name: str = "") -> None:
        self._conn, self._path = conn, path
        self.name = name or str(path)
        self.label = Path(self.name).name

    def tables(self) -> dict[str, Table]:
        with _said(self._path):
            made = [row for row in self._conn.execute(_TABLES).fetchall() if not row[0].startswith("sqlite_")]
            return {name: self._table(name, sql) for name, sql in made}

    def read(self, table: Table) -> Iterator[Piece]:
        with _said(self._path):
            cursor = self._conn.execute(table.select())
            while piece := cursor.fetchmany(PIECE):
                yield piece

    def _table(self, name: str, sql: str) -> Table:
        found = self._conn.execute("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
        refers = self._conn.execute('SELECT DISTINCT "table" FROM pragma_foreign_key_list(?)', (name,)).fetchall()
        counts = "AUTOINCREMENT" in sql.upper()
        return Table(
            name,
            tuple((column, kind.lower()) for column, kind, _ in found),
            frozenset(row[0] for row in refers),
            next((column for column, _, key in found if key and counts), None),
        )


class SqliteSource(_SqliteEnd, Source):
    """A file that is read."""

    def __init__(self, conn: sqlite3.Connection, path: Path, *, in_use: bool) -> None:
        super().__init__(conn, path)
        self.in_use = in_use
        self.moment = time.time_ns()

    def last_numbers(self, tables: Sequence[Table]) -> dict[str, int]:
        with _said(self._path):
            return dict(self._conn.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


class SqliteTarget(_SqliteEnd, Target):
    """A draft of a new file."""

    @property
    def connection(self) -> Connection:
        return cast(Connection, self._conn)

    def empty(self, tables: Sequence[Table]) -> None:
        with _said(self._path):
            for table in reversed(tables):
                self._conn.execute(f'DELETE FROM "{table.name}"')

    def write(self, table: Table, piece: Piece) -> None:
        places = ", ".join("?" * len(table.columns))
        with _said(self._path):
            self._conn.executemany(f'INSERT INTO "{table.name}" ({quoted(table.names)}) VALUES ({places})', piece)

    def finish(self, tables: Sequence[Table], last_numbers: Mapping[str, int]) -> None:
        with _said(self._path):
            for table in tables:
                if table.number is not None:
                    last = last_numbers.get(table.name, 0)
                    self._conn.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
                    self._conn.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, last))


@contextlib.contextmanager
def sqlite_source(path: Path) -> Generator[SqliteSource]:
    """Open a file to read all of it as it is at this moment. It is never changed. Raises DatabaseError."""
    if not path.is_file():
        raise DatabaseError(f"there is no database {path}: name a file, or an address postgresql://USER@HOST/NAME")
    try:
        # Before it is opened: closing the file that this opens would end the locks of our own connection.
        in_use = holder(path) is not None
    except OSError as error:
        raise DatabaseError(f"the database {path} cannot be read ({error.strerror}): check its permissions") from None
    with _said(path):
        conn = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=10.0, isolation_level=None)
        with contextlib.closing(conn):
            conn.execute("PRAGMA query_only=ON")
            conn.execute("BEGIN")
            source = SqliteSource(conn, path, in_use=in_use)
            taken = require_known_schema(SqliteDatabase(conn, execute_plugins=False), path)  # the snapshot is of now
            if not taken:
                raise DatabaseDamagedError(f"{path} is empty, not a database of Metrica: name another one")
            if taken != {step.name for step in STEPS}:
                raise DatabaseError(
                    f"{path} is of an older Metrica: run 'metrica-admin store list --database {path}' once, which"
                    " brings it up to date"
                )
            yield source


@contextlib.contextmanager
def sqlite_target(path: Path) -> Generator[SqliteTarget]:
    """Give a draft of a file that does not exist. At the end it gets its name, unless something went wrong."""
    require_free(path)
    with draft_of(path) as draft:
        db = open_writer(draft)
        with contextlib.closing(db.conn) as conn, _said(path):
            # A draft that is not finished is thrown away, so nothing has to be undone in it.
            for pragma in ("journal_mode=DELETE", "journal_mode=OFF", "synchronous=OFF"):
                conn.execute(f"PRAGMA {pragma}")
            conn.execute("BEGIN")
            yield SqliteTarget(conn, path)
            conn.execute("COMMIT")
        own_as(draft, path.parent)
        keep(draft, path)


@contextlib.contextmanager
def _said(path: Path) -> Generator[None]:
    """Give the errors of SQLite as sentences."""
    try:
        yield
    except sqlite3.Error as error:
        raise database_error(error, path) from None
