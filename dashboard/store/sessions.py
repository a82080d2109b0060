"""The sessions of the users, in the database: who logged in and has not logged out. Only hashes of their ids are kept.

A session ends when the user logs out, when the password changes, `IDLE` after its last request, and `LONGEST` after
the login. Whoever has copied a cookie then has nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import threading
from dataclasses import dataclass

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.store.audit import COMMAND, anonymised, record

_MINUTE, _DAY = 60 * 10**9, 24 * 3600 * 10**9  # ns
IDLE = 14 * _DAY
"""How long a session lasts without a request, ns."""
LONGEST = 30 * _DAY
"""How long a session lasts at most, ns."""
MOST = 20
"""Most sessions of one user; one more ends the one that was idle longest."""
NOTED_EVERY = 15 * _MINUTE
"""A request is noted in the database this long after the one that was noted before, ns: a page asks every 5 s."""
_AHEAD = _DAY  # a session that began later than this from now was made by a wrong clock


@dataclass(frozen=True, slots=True)
class Session:
    """One login of a user that has not ended."""

    key: str
    """The first 12 hexadecimal digits of the SHA-256 of its id."""
    user: str
    """The user's name."""
    created: int
    """When the user logged in, ns UTC."""
    seen: int
    """When the user's browser asked last, ns UTC, up to `NOTED_EVERY` before it did."""
    address: str
    """The network that the login came from, as in the audit log."""


class SessionTable:
    """The sessions of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._next_note: dict[str, int] = {}

    def create(self, user: str, password: str, address: str = "", *, renewed: bool = False) -> str | None:
        """Begin a session and return its id, which cannot be read again later.

        password: the hash that the login was checked against. Returns None if it is no longer the user's.
        address: where the request comes from, for the audit log. renewed: it takes the place of another session, and is
        no login for the log.
        """
        now, session = self._file.clock(), secrets.token_urlsafe(32)

        def insert(db: Connection) -> bool:
            known = "SELECT 1 FROM users WHERE name = ? AND password = ? AND removed IS NULL"
            if not db.execute(known, (user, password)).fetchone():
                return False
            _remove_ended(db, now)
            db.execute(
                "DELETE FROM sessions WHERE hash IN"
                ' (SELECT hash FROM sessions WHERE "user" = ? ORDER BY seen DESC, hash LIMIT ? OFFSET ?)',
                (user, 1 << 30, MOST - 1),
            )
            row = (_hash(session), user, now, now, anonymised(address))
            db.execute('INSERT INTO sessions (hash, "user", created, seen, address) VALUES (?, ?, ?, ?, ?)', row)
            if not renewed:
                record(db, now, user, "login", user, address=address)
            return True

        return session if self._file.write(insert).result() else None

    def find(self, session: str) -> Session | None:
        """Return the session with this id; None if there is none, or it has ended. Now and then notes the request."""
        hashed, now = _hash(session), self._file.clock()
        rows = self._file.rows(
            'SELECT substr(s.hash, 1, 12), s."user", s.created, s.seen, s.address FROM sessions s'
            ' JOIN users u ON u.name = s."user" WHERE s.hash = ? AND u.removed IS NULL',
            hashed,
        )
        if not rows:
            return None
        found = Session(*rows[0])
        if not _goes_on(found, now):
            return None
        if now - found.seen >= NOTED_EVERY:
            self._note(hashed, now)
        return found

    def of_user(self, user: str) -> list[Session]:
        """Return the sessions of a user that go on, the last one used first."""
        now = self._file.clock()
        rows = self._file.rows(
            'SELECT substr(hash, 1, 12), "user", created, seen, address FROM sessions'
            ' WHERE "user" = ? ORDER BY seen DESC',
            user,
        )
        return [session for row in rows if _goes_on(session := Session(*row), now)]

    def end(self, session: str, *, address: str = "") -> None:
        """End the session with this id, because its user logs out."""
        hashed, now = _hash(session), self._file.clock()

        def delete(db: Connection) -> None:
            row = db.execute('SELECT "user" FROM sessions WHERE hash = ?', (hashed,)).fetchone()
            if row:
                db.execute("DELETE FROM sessions WHERE hash = ?", (hashed,))
                record(db, now, row[0], "logout", row[0], address=address)

        self._file.write(delete).result()

    def end_all(self, user: str, *, actor: str = COMMAND) -> int:
        """End every session of a user, and return how many there were. actor: who does it, for the audit log."""
        now = self._file.clock()

        def delete(db: Connection) -> int:
            ended = end_sessions(db, user)
            record(db, now, actor, "sessions ended", user, detail={"sessions_ended": ended})
            return ended

        return self._file.write(delete).result()

    def _note(self, hashed: str, now: int) -> None:
        """Write that there was a request, without waiting: a page must not wait for the disk, nor fail with it."""
        with self._lock:
            if now < self._next_note.get(hashed, now) <= now + NOTED_EVERY:
                return  # tried a moment ago: another request of the same page, or a disk that is full
            self._next_note = {key: time for key, time in self._next_note.items() if time > now}
            self._next_note[hashed] = now + NOTED_EVERY

        def update(db: Connection) -> None:
            db.execute("UPDATE sessions SET seen = ? WHERE hash = ? AND seen < ?", (now, hashed, now))
            _remove_ended(db, now)

        with contextlib.suppress(DatabaseError):  # too much is waiting: noted a quarter of an hour later
            self._file.write(update)


def end_sessions(db: Connection, user: str, *, keep: str = "") -> int:
    """End the sessions of a user inside a write that is going on, but for the id `keep`. Returns how many."""
    return db.execute('DELETE FROM sessions WHERE "user" = ? AND hash != ?', (user, _hash(keep))).rowcount


def _goes_on(session: Session, now: int) -> bool:
    return now - session.seen < IDLE and -_AHEAD < now - session.created < LONGEST


def _remove_ended(db: Connection, now: int) -> None:
    db.execute("DELETE FROM sessions WHERE seen <= ? OR created <= ?", (now - IDLE, now - LONGEST))


def _hash(session: str) -> str:
    # A plain hash, as for tokens: the id is 256 random bits.
    return hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()
