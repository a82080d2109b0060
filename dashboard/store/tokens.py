"""The tokens with which boxes and programs show which store they speak for, in the database. Only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.database.statements import upsert
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.store.gone import is_ended
from metrica.dashboard.store.origins import ADMIN

SHORTEST = 16
"""Least number of characters of a token that somebody chose."""
FEWEST_DIFFERENT = 6
"""Least number of different characters of such a token."""
_LONGEST = 200
_MIN_KEY = 6
_KEY = 12

Placed = Literal["valid", "revoked", "elsewhere"]
"""What a token of a launch file is: valid; revoked by an administrator; or an administrator's, for another store."""


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
    origin: str = ADMIN
    """Who gave it: `ADMIN`, or a launch file."""
    revoked_by: str = ""
    """Who revoked it: `ADMIN`, or the launch file that has another one now; empty while it is valid."""


class TokenTable:
    """The tokens of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def create(self, store: str, label: str = "", *, actor: str = COMMAND) -> str:
        """Make a new token for the store and return it; it cannot be read again later.

        actor: who does it, for the audit log. Raises DatabaseError if there is no such store.
        """
        token = f"mt_{secrets.token_urlsafe(32)}"
        self.put(store, token, label, actor=actor)
        return token

    def put(self, store: str, token: str, label: str = "", *, actor: str = COMMAND) -> None:
        """Accept a given token for the store, because an administrator says so; also one that was revoked.

        Raises DatabaseError if there is no such store.
        """
        now, hashed = self._file.clock(), _hash(token)

        def insert(db: Connection) -> None:
            _require(db, store)
            _insert(db, hashed, store, label, now, ADMIN)
            db.execute("DELETE FROM ended_tokens WHERE hash = ?", (hashed,))
            record(db, now, actor, "token added", store, detail={"key": hashed[:_KEY], "label": label})

        self._file.write(insert).result()

    def fill(self, store: str, token: str, origin: str, label: str = "") -> Placed:
        """Accept the token of a launch file, as far as no administrator said otherwise. A changed one retires the old.

        A token that an administrator has revoked stays revoked. The other tokens of the store that came from the same
        launch file are no longer valid. origin: see `metrica.dashboard.store.origins.launch_file`.
        Raises DatabaseError if there is no such store.
        """
        now, hashed = self._file.clock(), _hash(token)

        def place(db: Connection) -> Placed:
            _require(db, store)
            found = db.execute("SELECT store, origin, revoked_by FROM tokens WHERE hash = ?", (hashed,)).fetchone()
            held, given_by, revoked_by = found or ("", "", "")
            if given_by == ADMIN and held != store:
                return "elsewhere"
            for (old,) in db.execute(
                "SELECT hash FROM tokens WHERE store = ? AND origin = ? AND hash != ? AND revoked IS NULL",
                (store, origin, hashed),
            ).fetchall():
                db.execute("UPDATE tokens SET revoked = ?, revoked_by = ? WHERE hash = ?", (now, origin, old))
                record(db, now, origin, "token retired", store, detail={"key": old[:_KEY]})
            if revoked_by == ADMIN or is_ended(db, hashed):
                return "revoked"
            # An administrator's own token cannot have been retired, so it is valid as it stands.
            if given_by != ADMIN and (held, given_by, revoked_by) != (store, origin, ""):
                _insert(db, hashed, store, label, now, origin)
                record(db, now, origin, "token added", store, detail={"key": hashed[:_KEY], "label": label})
            return "valid"

        return self._file.write(place).result()

    def store_of(self, token: str) -> str | None:
        """Return the id of the store that a token speaks for; None if the token is unknown or revoked."""
        rows = self._file.rows("SELECT store FROM tokens WHERE hash = ? AND revoked IS NULL", _hash(token))
        return rows[0][0] if rows else None

    def of_store(self, store: str) -> list[Token]:
        """Return the tokens of a store, revoked ones too, the oldest first."""
        rows = self._file.rows(
            f"SELECT substr(hash, 1, {_KEY}), store, label, created, revoked, origin, revoked_by FROM tokens"
            " WHERE store = ? ORDER BY created",
            store,
        )
        return [Token(*row) for row in rows]

    def revoke(self, store: str, key: str, *, actor: str = COMMAND) -> bool:
        """Revoke the token of the store whose key begins with `key`, for good: no launch file brings it back.

        actor: who does it, for the audit log.
        Returns False, and changes nothing, if `key` has fewer than 6 digits or does not name exactly one token.
        """
        now = self._file.clock()

        def update(db: Connection) -> bool:
            wanted = (store, len(key[:_KEY]), key[:_KEY])
            found = db.execute(
                "SELECT hash, revoked_by FROM tokens WHERE store = ? AND substr(hash, 1, ?) = ?", wanted
            ).fetchall()
            if len(key) < _MIN_KEY or len(found) != 1:
                return False
            (hashed, revoked_by), *_ = found
            if revoked_by != ADMIN:  # also one that its launch file has retired: it could bring it back
                db.execute(
                    "UPDATE tokens SET revoked = coalesce(revoked, ?), revoked_by = ? WHERE hash = ?",
                    (now, ADMIN, hashed),
                )
                record(db, now, actor, "token revoked", store, detail={"key": hashed[:_KEY]})
            return True

        return self._file.write(update).result()


def check_token(token: str) -> None:
    """Raise ValueError, as one sentence, for a token that could be guessed, or that no request can carry."""
    if len(token) < SHORTEST or len(set(token)) < FEWEST_DIFFERENT:
        raise ValueError(
            f"the token is too easy to guess: use at least {SHORTEST} characters, {FEWEST_DIFFERENT} of them different,"
            " or none, and the box makes one"
        )
    if len(token) > _LONGEST or not token.isprintable() or token != token.strip():
        raise ValueError(
            f"the token cannot be sent: use at most {_LONGEST} characters, no line breaks, and no blank at its ends"
        )


def _require(db: Connection, store: str) -> None:
    if not db.execute("SELECT 1 FROM stores WHERE id = ?", (store,)).fetchone():
        raise DatabaseError(f"there is no store {store!r}: add it first")


def _insert(db: Connection, hashed: str, store: str, label: str, now: int, origin: str) -> None:
    row = {"hash": hashed, "store": store, "label": label, "created": now, "origin": origin}
    upsert(db, "tokens", "hash", row | {"revoked": None, "revoked_by": ""})


def _hash(token: str) -> str:
    # Neither salt nor a slow hash is needed: a token is 256 random bits, so it cannot be guessed from a dictionary. One
    # that somebody chose is worth what they chose, see `check_token`.
    return hashlib.sha256(token.encode()).hexdigest()
