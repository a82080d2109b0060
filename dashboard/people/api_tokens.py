"""The users' own tokens, for programs: with scopes, and an end. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.people.asker import Asker
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.people.rights import PEOPLE, RIGHTS, Right, Role, scope_of
from metrica.dashboard.store.audit import COMMAND, Scalar, record

DAYS = 90
"""For how many days a token is valid if nobody says."""
MOST_DAYS = 400
"""Most days for which a token is valid."""
MOST = 50
"""Most valid tokens of one user."""

_PREFIX = "mp_"
_KEY = 12
_KEYS = re.compile(r"[0-9a-f]{6,12}")
_DAY = 24 * 3600 * 10**9  # ns

_COLUMNS = 't.hash, t."user", t.label, t.scopes, t.created, t.expires, t.revoked'


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a user's token; the token itself is not kept."""

    key: str
    """The first 12 hexadecimal digits of its SHA-256: enough to name it."""
    user: str
    """Whose it is."""
    label: str
    """What it is for."""
    scopes: tuple[Right, ...]
    created: int
    """ns UTC."""
    expires: int
    """ns UTC."""
    revoked: int | None
    """ns UTC; None while it was not."""

    def is_valid(self, now: int) -> bool:
        """Whether it is accepted at `now`, ns UTC."""
        return self.revoked is None and now < self.expires


class ApiTokenTable:
    """The users' own tokens in a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def create(
        self,
        user: str,
        scopes: Iterable[Right],
        *,
        label: str = "",
        days: int = DAYS,
        maker: Asker | None = None,
        actor: str = COMMAND,
        address: str = "",
    ) -> tuple[str, ApiToken]:
        """Make a token for a user and return it, with what is known of it; it cannot be read again later.

        maker: who makes it. A token that is made with another one has no scope that this one lacks, does not outlive
        it, and ends with it. actor, address: for the audit log.
        Raises ValueError for what no token can have, UnknownError if there is no such user.
        """
        wanted = tuple(right for right in Right if right in set(scopes))
        label = checked_label(label)
        if not wanted:
            raise ValueError(f"a token needs a scope: give some of {', '.join(Right)}")
        if not 1 <= days <= MOST_DAYS:
            raise ValueError(f"a token cannot be valid for {days} days: give a number from 1 to {MOST_DAYS}")
        if maker is not None and (missing := [right for right in wanted if right not in maker.rights]):
            raise ValueError(f"the token cannot have the scope {missing[0]}, because whoever makes it does not have it")
        token, now = f"{_PREFIX}{secrets.token_urlsafe(32)}", self._file.clock()
        hashed = hash_of(token)

        def insert(db: Connection) -> ApiToken:
            row = db.execute("SELECT role FROM users WHERE name = ? AND removed IS NULL", (user,)).fetchone()
            if row is None:
                raise UnknownError(f"there is no user {user!r}")
            if missing := [right for right in wanted if right not in RIGHTS[Role(row[0])]]:
                raise ValueError(f"the token cannot have the scope {missing[0]}: {user!r} has the role {row[0]}")
            valid = 'SELECT count(*) FROM api_tokens WHERE "user" = ? AND revoked IS NULL AND expires > ?'
            if db.execute(valid, (user, now)).fetchone()[0] >= MOST:
                raise ValueError(f"{user!r} has {MOST} valid tokens: revoke one first")
            db.execute('DELETE FROM api_tokens WHERE "user" = ? AND expires <= ?', (user, now - MOST_DAYS * _DAY))
            expires = now + days * _DAY
            if maker is not None and maker.token:
                # It may have been revoked since the request came, and those that were made with it.
                still = "SELECT expires FROM api_tokens WHERE hash = ? AND revoked IS NULL AND expires > ?"
                own = db.execute(still, (maker.token, now)).fetchone()
                if own is None:
                    raise UnknownError("the token is unknown or revoked")
                expires = min(expires, own[0])
            db.execute(
                'INSERT INTO api_tokens (hash, "user", label, scopes, made_with, created, expires)'
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (hashed, user, label, " ".join(wanted), maker.token if maker else "", now, expires),
            )
            detail: dict[str, Scalar] = {"key": hashed[:_KEY], "label": label, "scopes": " ".join(wanted), "days": days}
            record(db, now, actor, "api token added", user, address=address, detail=detail)
            return ApiToken(hashed[:_KEY], user, label, wanted, now, expires, None)

        return token, self._file.write(insert).result()

    def find(self, token: str) -> tuple[str, ApiToken] | None:
        """Return the hash of a token and what is known of it; None unless it is valid now."""
        if not token.startswith(_PREFIX):
            return None
        hashed = hash_of(token)
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM api_tokens t WHERE t.hash = ?", hashed)
        found = _read(rows[0]) if rows else None
        return (hashed, found) if found is not None and found.is_valid(self._file.clock()) else None

    def of_user(self, user: str) -> list[ApiToken]:
        """Return the tokens of a user, also those that have ended, the oldest first."""
        sql = f'SELECT {_COLUMNS} FROM api_tokens t WHERE t."user" = ? ORDER BY t.created, t.hash'
        return [_read(row) for row in self._file.rows(sql, user)]

    def of_asker(self, asker: Asker) -> list[ApiToken]:
        """Return the tokens that somebody may see: their own, or all of the organisation with the right to people."""
        if PEOPLE not in asker.rights:
            return self.of_user(asker.name)
        sql = (
            f'SELECT {_COLUMNS} FROM api_tokens t JOIN users u ON u.name = t."user"'
            " WHERE u.organisation = ? ORDER BY t.created, t.hash"
        )
        return [_read(row) for row in self._file.rows(sql, asker.organisation)]

    def revoke(self, users: Iterable[str], key: str, *, actor: str = COMMAND, address: str = "") -> ApiToken:
        """Revoke the token whose key begins with `key`, and those that were made with it.

        users: one of whose tokens it must be. Raises UnknownError if `key` has fewer than 6 digits or does not name
        exactly one of these tokens.
        """
        now, whose = self._file.clock(), set(users)

        def update(db: Connection) -> ApiToken:
            start = key[:_KEY].lower()
            if not _KEYS.fullmatch(start):
                raise UnknownError(f"no token has the key {key!r}")
            # All that begin with it, by the index: after the last hexadecimal digit comes g.
            sql = f"SELECT {_COLUMNS} FROM api_tokens t WHERE t.hash >= ? AND t.hash < ?"
            found = [row for row in db.execute(sql, (start, f"{start}g")).fetchall() if row[1] in whose]
            if len(found) != 1:
                raise UnknownError(f"no token has the key {key!r}")
            with_others = (
                "WITH RECURSIVE ended(hash) AS (SELECT hash FROM api_tokens WHERE hash = ?"
                " UNION SELECT t.hash FROM api_tokens t JOIN ended e ON t.made_with = e.hash) SELECT hash FROM ended"
            )
            hashes = [row[0] for row in db.execute(with_others, (found[0][0],)).fetchall()]
            marks = ", ".join("?" * len(hashes))
            changed = db.execute(
                f"UPDATE api_tokens SET revoked = ? WHERE revoked IS NULL AND hash IN ({marks})", (now, *hashes)
            ).rowcount
            token = _read(found[0])
            if changed:
                detail: dict[str, Scalar] = {"key": token.key, "label": token.label, "tokens": changed}
                record(db, now, actor, "api token revoked", token.user, address=address, detail=detail)
            return token

        return self._file.write(update).result()


def checked_label(label: str) -> str:
    """Return what a token is for, without blanks at its ends. Raises ValueError if it is too long or cannot be read."""
    label = label.strip()
    if len(label) > 100 or not label.isprintable():
        raise ValueError("the label cannot be used: give up to 100 letters, digits and dashes")
    return label


def hash_of(token: str) -> str:
    """Return the SHA-256 of a token, hexadecimal. A plain hash is enough: a token is 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _read(row: tuple[str, str, str, str, int, int, int | None]) -> ApiToken:
    hashed, user, label, scopes, created, expires, revoked = row
    return ApiToken(
        hashed[:_KEY], user, label, tuple(scope_of(word) for word in scopes.split()), created, expires, revoked
    )
