"""The people who may look at the pages, in the database."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.store.file import DatabaseFile


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in to the pages."""

    name: str
    password: str
    """The hash of the password, as werkzeug.security writes it."""


class UserTable:
    """The users of a database."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def all(self) -> list[User]:
        """Return every user, in order of their names."""
        return [User(*row) for row in self._file.rows("SELECT name, password FROM users ORDER BY name")]

    def get(self, name: str) -> User | None:
        """Return the user with this name; None if there is none."""
        rows = self._file.rows("SELECT name, password FROM users WHERE name = ?", name)
        return User(*rows[0]) if rows else None

    def put(self, user: User) -> None:
        """Add a user, or change the password of the one with this name."""
        row = {"name": user.name, "password": user.password, "created": self._file.clock()}
        self._file.write(lambda db: db.table("users").upsert(row, pk="name")).result()
