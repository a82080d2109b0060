"""The tokens with which boxes and programs show which store they speak for, in the database. Only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.store.errors import DatabaseError
from metrica.dashboard.store.file import DatabaseFile

_MIN_KEY = 6


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; the token itself is not kept."""

    key: str
    """The first 12 hexadecimal digits of its SHA-256: enough to name it."""
    store: str
    """The id of the store that it speaks for."""
    label: str
    """Which box it was given to."""
    created: int
    """ns UTC."""
    revoked: int | None
    """ns UTC; None while it is valid."""


class TokenTable:
    """The tokens of a database."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def create(self, store: str, label: str = "") -> str:
        """Make a new token for the store and return it; it cannot be read again later.

        Raises DatabaseError if there is no such store.
        """
        token = f"mt_{secrets.token_urlsafe(32)}"
        self.put(store, token, label)
        return token

    def put(self, store: str, token: str, label: str = "") -> None:
        """Accept a given token for the store. Raises DatabaseError if there is no such store."""
        if not self._file.rows("SELECT 1 FROM stores WHERE id = ?", store):
            raise DatabaseError(f"there is no store {store!r}: add it first")
        row = {"hash": _hash(token), "store": store, "label": label, "created": self._file.clock(), "revoked": None}
        self._file.write(lambda db: db.table("tokens").insert(row, pk="hash", replace=True)).result()

    def store_of(self, token: str) -> str | None:
        """Return the id of the store that a token speaks for; None if the token is unknown or revoked."""
        rows = self._file.rows("SELECT store FROM tokens WHERE hash = ? AND revoked IS NULL", _hash(token))
        return rows[0][0] if rows else None

    def of_store(self, store: str) -> list[Token]:
        """Return the tokens of a store, revoked ones too, the oldest first."""
        rows = self._file.rows(
            "SELECT substr(hash, 1, 12), store, label, created, revoked FROM tokens WHERE store = ? ORDER BY created",
            store,
        )
        return [Token(*row) for row in rows]

    def revoke(self, store: str, key: str) -> bool:
        """Revoke the token of the store whose key begins with `key`.

        Returns False, and changes nothing, if `key` has fewer than 6 digits or does not name exactly one token.
        """
        if len(key) < _MIN_KEY or [token.key[: len(key)] for token in self.of_store(store)].count(key[:12]) != 1:
            return False
        now = self._file.clock()

        def update(db: SqliteDatabase) -> None:
            db.conn.execute(
                "UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE store = ? AND substr(hash, 1, ?) = ?",
                (now, store, len(key), key),
            )

        self._file.write(update).result()
        return True


def _hash(token: str) -> str:
    # Neither salt nor a slow hash is needed: a token is 256 random bits, so it cannot be guessed from a dictionary.
    return hashlib.sha256(token.encode()).hexdigest()
