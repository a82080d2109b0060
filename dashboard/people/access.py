"""The single point of access: who asks, and which stores they get. No page and no endpoint gets a store elsewhere."""

from __future__ import annotations

from typing import Any

from metrica.dashboard.database.interface import Engine
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.api_tokens import ApiTokenTable, hash_of
from metrica.dashboard.people.asker import Asker, Owned
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.people.rights import RIGHTS, Right, Role
from metrica.dashboard.store.stores import COLUMNS

_STORES = f"SELECT {', '.join(f's.{name}' for name in COLUMNS.split(', '))}, s.organisation FROM stores s"


class Access:
    """Says who asks, and gives them their stores. It asks the database each time, so every change acts at once."""

    def __init__(self, file: Engine) -> None:
        self._file = file
        self._tokens = ApiTokenTable(file)

    def of_user(self, name: str) -> Asker | None:
        """Return the user of the pages with this name as who asks; None if there is no such user (any more)."""
        rows = self._file.rows("SELECT organisation, role, limited FROM users WHERE name = ? AND removed IS NULL", name)
        if not rows:
            return None
        organisation, role, limited = rows[0]
        stores: frozenset[str] | None = None
        if limited:
            named = self._file.rows('SELECT store FROM member_stores WHERE "user" = ?', name)
            stores = frozenset(row[0] for row in named)
        return Asker(name, organisation, Role(role), stores, RIGHTS[Role(role)])

    def of_token(self, token: str) -> Asker | None:
        """Return who shows this token: a box, or a program that speaks for a user; None if it is not valid."""
        if found := self._tokens.find(token):
            hashed, known = found
            user = self.of_user(known.user)
            if user is None:
                return None
            rights = user.rights & frozenset(known.scopes)
            return Asker(user.name, user.organisation, user.role, user.stores, rights, hashed)
        hashed = hash_of(token)
        rows = self._file.rows(
            "SELECT t.store, s.organisation FROM tokens t JOIN stores s ON s.id = t.store"
            " WHERE t.hash = ? AND t.revoked IS NULL",
            hashed,
        )
        if not rows:
            return None
        store, organisation = rows[0]
        return Asker(hashed[:12], organisation, Role.BOX, frozenset({store}), RIGHTS[Role.BOX], hashed)

    def store(self, asker: Asker, store: str, right: Right | None = None) -> Store:
        """Return one of the asker's stores.

        right: what the asker wants to do with it; None for what everybody may who has the store at all.
        Raises UnknownError, the same whether the store is another's or not there, and ForbiddenError without the right.
        """
        rows: list[Any] = []
        if store.isprintable():  # no database can look for anything else, and no store is called so
            rows = self._file.rows(f"{_STORES} WHERE s.id = ? AND s.organisation = ?", store, asker.organisation)
        found = [_store(row) for row in rows if asker.has(Owned(row[0], row[-1]))]
        if not found:
            raise UnknownError(f"there is no store {store!r}")
        if right is not None:
            asker.require(right)
        return found[0]

    def stores(self, asker: Asker, right: Right | None = None, *, group: str = "", tag: str = "") -> list[Store]:
        """Return the asker's stores, in order of their ids; none without the right.

        right: as in `store`. group, tag: only stores that have them.
        """
        if right is not None and right not in asker.rights:
            return []
        sql, values = f"{_STORES} WHERE s.organisation = ?", [asker.organisation]
        if asker.stores is not None:
            sql += f" AND s.id IN ({', '.join('?' * len(asker.stores))})"
            values += sorted(asker.stores)
            if not asker.stores:
                return []
        for kind, label in (("group", group), ("tag", tag)):
            if label:
                sql += " AND EXISTS (SELECT 1 FROM store_labels l WHERE l.store = s.id AND l.kind = ? AND l.label = ?)"
                values += [kind, label]
        rows = self._file.rows(f"{sql} ORDER BY s.id", *values)
        return [_store(row) for row in rows if asker.has(Owned(row[0], row[-1]))]


def _store(row: Any) -> Store:
    return Store(*row[:-1])
