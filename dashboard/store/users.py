"""The people who may look at the pages, in the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.store.sessions import end_sessions

OWNER = "owner"
"""Name of the user that is made if there is none."""

_COLUMNS = "name, password, origin, changed, removed"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in to the pages."""

    name: str
    password: str
    """The hash of the password, as metrica.dashboard.service.passwords writes it."""
    origin: str = ""
    """Who chose the password: `ADMIN` for a person, a launch file, or empty for nobody in particular."""
    changed: int | None = field(default=None, compare=False)
    """When the password was chosen, ns UTC; None if that was not noted."""
    removed: int | None = field(default=None, compare=False)
    """When the user was removed, ns UTC; None for a user who may log in."""


class UserTable:
    """The users of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def all(self) -> list[User]:
        """Return every user, in order of their names."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM users WHERE removed IS NULL ORDER BY name")
        return [User(*row) for row in rows]

    def have_old_hash(self) -> bool:
        """Whether any password has a hash of the kind that Metrica wrote before argon2id, see `service.passwords`.

        It is asked at every login, so an index has these users only (step m014_many_people): as written here.
        """
        return bool(self._file.rows("SELECT 1 FROM users WHERE substr(password, 1, 7) = 'scrypt:' LIMIT 1"))

    def get(self, name: str) -> User | None:
        """Return the user with this name; None if there is none."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM users WHERE name = ? AND removed IS NULL", name)
        return User(*rows[0]) if rows else None

    def was_removed(self, name: str) -> bool:
        """Whether an administrator removed the user with this name, so that a launch file must not bring them back."""
        return bool(self._file.rows("SELECT 1 FROM users WHERE name = ? AND removed IS NOT NULL", name))

    def put(self, user: User, *, actor: str = COMMAND, address: str = "", keep: str = "") -> None:
        """Add a user, or change the password of the one with this name, which ends the user's sessions.

        actor, address: who does it and from where, for the audit log. keep: the id of a session that goes on.
        """
        now = self._file.clock()

        def write(db: Connection) -> None:
            before = _read(db, user.name)
            db.execute(
                "INSERT INTO users (name, password, created, origin, changed, removed) VALUES (?, ?, ?, ?, ?, NULL)"
                " ON CONFLICT (name) DO UPDATE SET password = excluded.password, origin = excluded.origin,"
                " changed = excluded.changed, removed = NULL",
                (user.name, user.password, now, user.origin, now),
            )
            ended = end_sessions(db, user.name, keep=keep)
            if before is None or before.removed is not None:
                record(db, now, actor, "user added", user.name, address=address)
            else:
                record(db, now, actor, "password changed", user.name, address=address, detail={"sessions_ended": ended})

        self._file.write(write).result()

    def rehash(self, user: User, password: str) -> User:
        """Keep the same password of a user under a newer hash, `password`, and return the user with it.

        No session ends. Nothing changes if the password is another one by now.
        """
        update = "UPDATE users SET password = ? WHERE name = ? AND password = ?"
        self._file.write(lambda db: db.execute(update, (password, user.name, user.password))).result()
        return User(user.name, password, user.origin, user.changed)

    def remove(self, name: str, *, actor: str = COMMAND) -> bool:
        """Remove a user and end the user's sessions. Returns False if there is no such user.

        The name `OWNER` is noted as removed, so that the password of a launch file does not bring the owner back.
        """
        now = self._file.clock()

        def write(db: Connection) -> bool:
            before = _read(db, name)
            if before is None or before.removed is not None:
                return False
            ended = forget_user(db, name, now)
            record(db, now, actor, "user removed", name, detail={"sessions_ended": ended})
            return True

        return self._file.write(write).result()


def forget_user(db: Connection, name: str, now: int) -> int:
    """Remove a user inside a write that is going on, with sessions, tokens and role. Returns how many sessions ended.

    The name `OWNER` is noted as removed. Whoever gets it later begins as a new user does.
    """
    ended = end_sessions(db, name)
    for table in ("api_tokens", "member_stores"):
        db.execute(f'DELETE FROM {table} WHERE "user" = ?', (name,))
    db.execute(
        "UPDATE users SET password = '', removed = ?, organisation = 'main', role = 'owner', limited = 0"
        " WHERE name = ?",
        (now, name),
    )
    db.execute("DELETE FROM users WHERE name = ? AND name != ?", (name, OWNER))
    return ended


def _read(db: Connection, name: str) -> User | None:
    row: Any = db.execute(f"SELECT {_COLUMNS} FROM users WHERE name = ?", (name,)).fetchone()
    return User(*row) if row else None
