"""The database behind the back office: stores, tokens, events and users."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.kpis.events import IN, OUT, Events
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.connections import ReaderPool
from metrica.dashboard.store.errors import DatabaseError
from metrica.dashboard.store.records import Event
from metrica.dashboard.store.writer import Writer

T = TypeVar("T")
Clock = Callable[[], int]
"""Says what time it is, nanoseconds UTC."""

_STORE_COLUMNS = "id, timezone, cutoff_hour, empty_hour, recall, precision"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; the token itself is not kept."""

    key: str
    """The first 12 digits of its SHA-256: enough to name it."""
    store: str
    label: str
    created: int
    revoked: int | None


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in to the dashboard."""

    name: str
    password: str
    """The hash, as werkzeug.security writes it."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch."""

    accepted: int
    duplicates: int


class Database:
    """The database file. Reads never wait for writes; writes go through one thread and are on the disk when done.

    Every method raises DatabaseError when the database is locked, full, damaged or closed.
    """

    def __init__(self, path: Path, *, clock: Clock = time.time_ns, lock_timeout: float = 10.0) -> None:
        self.path = path
        self.clock = clock
        self._writer = Writer(path, lock_timeout=lock_timeout)
        self._readers = ReaderPool(path)

    def close(self) -> None:
        """Finish the queued writes and close the file."""
        self._readers.close()
        self._writer.close()  # last, because only a connection that may write can fold the log back into the file

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """Writes in the queue."""
        return self._writer.waiting

    def write(self, work: Callable[[SqliteDatabase], T]) -> Future[T]:
        """Run `work` on the writing connection, all or nothing."""
        return self._writer.submit(work)

    # --- events

    def add_events(self, store: str, events: Sequence[Event]) -> Future[Added]:
        """Keep these events; one whose id the store has already sent changes nothing and counts as a duplicate."""
        received = self.clock()
        rows = [
            (store, e.id, e.camera, e.line, IN if e.direction == "in" else OUT, e.track, e.time, received)
            for e in events
        ]

        def insert(db: SqliteDatabase) -> Added:
            before = db.conn.total_changes
            # Not INSERT OR IGNORE: that would also swallow a row that breaks any other rule, and lose an event.
            db.conn.executemany(
                "INSERT INTO events (store, id, camera, line, direction, track, time, received)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (store, id) DO NOTHING",
                rows,
            )
            accepted = db.conn.total_changes - before
            return Added(accepted, len(rows) - accepted)

        return self.write(insert)

    def events(self, store: str, since: int, until: int) -> Events:
        """The store's events with `since` <= time < `until` (ns UTC), in order of time."""
        rows = self.rows(
            "SELECT time, direction FROM events WHERE store = ? AND time >= ? AND time < ?", store, since, until
        )
        return Events.from_pairs(rows)

    def events_after(self, store: str, n: int, since: int) -> tuple[Events, int]:
        """The store's events that came after number `n`, no older than `since`; and the number of the last one.

        The next call with that number reads only what has come in between.
        """
        with self._readers.connection() as conn:
            conn.execute("BEGIN")  # both reads see the same moment
            last = conn.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()[0]
            if n == 0:
                rows = conn.execute(
                    "SELECT time, direction FROM events WHERE store = ? AND time >= ?", (store, since)
                ).fetchall()
            else:
                # The plus signs keep SQLite from the index by time: the few new rows are at the end of the table.
                rows = conn.execute(
                    "SELECT time, direction FROM events WHERE n > ? AND +store = ? AND +time >= ?", (n, store, since)
                ).fetchall()
            conn.execute("COMMIT")
        return Events.from_pairs(rows), last

    def first_and_last(self, store: str) -> tuple[int, int] | None:
        """Times (ns UTC) of the store's oldest and newest event, or None before the first."""
        # Two queries, because SQLite answers min() and max() from the index only one at a time.
        oldest = self.rows("SELECT min(time) FROM events WHERE store = ?", store)[0][0]
        newest = self.rows("SELECT max(time) FROM events WHERE store = ?", store)[0][0]
        return None if oldest is None else (oldest, newest)

    def count_events(self, store: str) -> int:
        return int(self.rows("SELECT count(*) FROM events WHERE store = ?", store)[0][0])

    # --- stores

    def stores(self) -> list[Store]:
        return [Store(*row) for row in self.rows(f"SELECT {_STORE_COLUMNS} FROM stores ORDER BY id")]

    def store(self, store: str) -> Store | None:
        rows = self.rows(f"SELECT {_STORE_COLUMNS} FROM stores WHERE id = ?", store)
        return Store(*rows[0]) if rows else None

    def put_store(self, store: Store) -> None:
        """Add a store, or change what is said of it."""
        self.write(lambda db: db.table("stores").upsert(asdict(store), pk="id")).result()

    # --- tokens

    def add_token(self, store: str, label: str = "") -> str:
        """A new token that speaks for the store; only its hash is kept, so this is the one time to see it."""
        token = f"mt_{secrets.token_urlsafe(32)}"
        self.put_token(store, token, label)
        return token

    def put_token(self, store: str, token: str, label: str = "") -> None:
        """Let an existing token speak for the store. Raises DatabaseError if there is no such store."""
        if self.store(store) is None:
            raise DatabaseError(f"there is no store {store!r}: add it first")
        row = {"hash": _hash(token), "store": store, "label": label, "created": self.clock(), "revoked": None}
        self.write(lambda db: db.table("tokens").insert(row, pk="hash", replace=True)).result()

    def store_of_token(self, token: str) -> str | None:
        """The store that a token speaks for; None if it is unknown or revoked."""
        rows = self.rows("SELECT store FROM tokens WHERE hash = ? AND revoked IS NULL", _hash(token))
        return rows[0][0] if rows else None

    def tokens(self, store: str) -> list[Token]:
        rows = self.rows(
            "SELECT substr(hash, 1, 12), store, label, created, revoked FROM tokens WHERE store = ? ORDER BY created",
            store,
        )
        return [Token(*row) for row in rows]

    def revoke_token(self, store: str, key: str) -> bool:
        """Revoke the store's token that `key` (at least 6 digits) begins; False if there is none, or several."""
        if len(key) < 6 or [token.key[: len(key)] for token in self.tokens(store)].count(key[:12]) != 1:
            return False
        now = self.clock()

        def revoke(db: SqliteDatabase) -> None:
            db.conn.execute(
                "UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE store = ? AND substr(hash, 1, ?) = ?",
                (now, store, len(key), key),
            )

        self.write(revoke).result()
        return True

    # --- users

    def user(self, name: str) -> User | None:
        rows = self.rows("SELECT name, password FROM users WHERE name = ?", name)
        return User(*rows[0]) if rows else None

    def users(self) -> list[User]:
        return [User(*row) for row in self.rows("SELECT name, password FROM users ORDER BY name")]

    def put_user(self, user: User) -> None:
        """Add a user, or change the password."""
        row = {"name": user.name, "password": user.password, "created": self.clock()}
        self.write(lambda db: db.table("users").upsert(row, pk="name")).result()

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Read; what is being written at the time is not in it."""
        with self._readers.connection() as conn:
            return conn.execute(sql, values).fetchall()


def _hash(token: str) -> str:
    # A plain hash is enough, because a token is 256 random bits: there is no dictionary to try.
    return hashlib.sha256(token.encode()).hexdigest()
