"""The users as members of their organisations: their roles and their stores."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.database.statements import lock_row
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.people.organisations import MAIN
from metrica.dashboard.people.rights import Role, role_of
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.sessions import end_sessions
from metrica.dashboard.store.users import forget_user

MOST_STORES = 10_000
"""Most stores that are named for one user; whoever has more gets all of the organisation."""

_EMAIL = re.compile(r"[^@]+@[^@]+\.[^@]+")


@dataclass(frozen=True, slots=True)
class Member:
    """A user in an organisation."""

    name: str
    """As at the login."""
    organisation: str
    role: Role
    stores: tuple[str, ...] | None
    """The ids of the user's stores, in order; None for all of the organisation, also those to come."""
    created: int
    """When the user was added, ns UTC."""


class MemberTable:
    """The members of all organisations. Whoever calls says of which one: of others nothing is seen or changed."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def all(self, organisation: str) -> list[Member]:
        """Return the members of an organisation, in order of their names."""
        rows = self._file.rows(
            "SELECT name, organisation, role, limited, created FROM users"
            " WHERE organisation = ? AND removed IS NULL ORDER BY name",
            organisation,
        )
        named: dict[str, list[str]] = {}
        for user, store in self._file.rows(
            'SELECT m."user", m.store FROM member_stores m JOIN users u ON u.name = m."user"'
            " WHERE u.organisation = ? ORDER BY m.store",
            organisation,
        ):
            named.setdefault(user, []).append(store)
        return [
            Member(name, of, Role(role), tuple(named.get(name, ())) if limited else None, created)
            for name, of, role, limited, created in rows
        ]

    def get(self, organisation: str, name: str) -> Member:
        """Return a member. Raises UnknownError, the same whether the name is in another organisation or not there."""
        with self._file.snapshot() as db:
            return _read(db, organisation, name)

    def add(
        self,
        organisation: str,
        name: str,
        password: str,
        role: Role,
        stores: Iterable[str] | None = None,
        *,
        actor: str = COMMAND,
        address: str = "",
    ) -> Member:
        """Add a user to an organisation. password: its hash. stores: the user's; None for all.

        actor, address: who does it and from where, for the audit log.
        Raises ValueError for a name that is taken or cannot be, UnknownError for a store that is not theirs.
        """
        now, named = self._file.clock(), _named(role, stores)
        checked_name(name, organisation)

        def insert(db: Connection) -> Member:
            # Until this write is done, the organisation is not removed, and nobody else takes the name.
            if not lock_row(db, "organisations", "id", organisation):
                raise UnknownError(f"there is no organisation {organisation!r}")
            if db.execute("SELECT 1 FROM users WHERE name = ? AND removed IS NULL", (name,)).fetchone():
                raise ValueError(f"there is a user {name!r} already")
            db.execute(
                "INSERT INTO users (name, password, created, origin, changed, organisation, role, limited)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET password = excluded.password,"
                " origin = excluded.origin, changed = excluded.changed, removed = NULL,"
                " organisation = excluded.organisation, role = excluded.role, limited = excluded.limited",
                (name, password, now, ADMIN, now, organisation, role.value, int(named is not None)),
            )
            _name_stores(db, organisation, name, named)
            record(db, now, actor, "user added", name, address=address, detail=_detail(organisation, role, named))
            return _read(db, organisation, name)

        return self._file.write(insert).result()

    def change(
        self,
        organisation: str,
        name: str,
        role: Role,
        stores: Iterable[str] | None,
        *,
        actor: str = COMMAND,
        address: str = "",
    ) -> Member:
        """Change a member's role and stores, with effect from the next request of an open page or a program.

        Raises UnknownError for a user or a store that is not of the organisation, and ValueError for its last owner.
        """
        now, named = self._file.clock(), _named(role, stores)

        def update(db: Connection) -> Member:
            lock_row(db, "organisations", "id", organisation)  # or two owners at once each count on the other
            before = _read(db, organisation, name)
            if before.role is Role.OWNER and role is not Role.OWNER:
                _require_another_owner(db, before)
            db.execute(
                "UPDATE users SET role = ?, limited = ? WHERE name = ?", (role.value, int(named is not None), name)
            )
            _name_stores(db, organisation, name, named)
            after = _read(db, organisation, name)
            if after != before:
                detail = _detail(organisation, role, named) | {"role before": before.role.value}
                record(db, now, actor, "role changed", name, address=address, detail=detail)
            return after

        return self._file.write(update).result()

    def set_password(self, organisation: str, name: str, password: str, *, actor: str, address: str = "") -> None:
        """Give a member another password, which ends the member's sessions. password: its hash. Raises UnknownError."""
        now = self._file.clock()

        def update(db: Connection) -> None:
            _read(db, organisation, name)
            db.execute(
                "UPDATE users SET password = ?, origin = ?, changed = ? WHERE name = ?", (password, ADMIN, now, name)
            )
            detail = {"sessions_ended": end_sessions(db, name)}
            record(db, now, actor, "password changed", name, address=address, detail=detail)

        self._file.write(update).result()

    def remove(self, organisation: str, name: str, *, actor: str = COMMAND, address: str = "") -> None:
        """Remove a member, with sessions and tokens. Raises UnknownError, and ValueError for the last owner."""
        now = self._file.clock()

        def delete(db: Connection) -> None:
            lock_row(db, "organisations", "id", organisation)
            member = _read(db, organisation, name)
            if member.role is Role.OWNER:
                _require_another_owner(db, member)
            ended = forget_user(db, name, now)
            record(db, now, actor, "user removed", name, address=address, detail={"sessions_ended": ended})

        self._file.write(delete).result()


def checked_name(name: str, organisation: str) -> str:
    """Return the login name of a new user. Raises ValueError, as one sentence, for one that cannot be.

    Names are unique on the server. So that no organisation learns which ones another has taken, those of each end with
    it, and those of the first one are plain or e-mail addresses, whose end is never the id of an organisation.
    """
    if not name.strip() or name != name.strip() or len(name) > 100 or not name.isprintable() or "/" in name:
        raise ValueError(f"{name!r} cannot name a user: use letters, digits and dashes")
    if organisation != MAIN:
        if not name.endswith(f"@{organisation}") or name.count("@") != 1 or name.startswith("@"):
            raise ValueError(f"the user of this organisation is called something like 'amel@{organisation}'")
    elif "@" in name and not _EMAIL.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a user: use a plain name such as 'amel', or a whole e-mail address")
    return name


def _named(role: Role, stores: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return the stores that are named, in order. Raises ValueError for a role that cannot have them."""
    role_of(role)
    if stores is None:
        return None
    if role is Role.OWNER:
        raise ValueError("an owner has all stores of the organisation: name none, or choose another role")
    named = tuple(sorted(set(stores)))
    if len(named) > MOST_STORES:
        raise ValueError(f"{len(named)} stores are too many to name: name at most {MOST_STORES}, or give all")
    return named


def _name_stores(db: Connection, organisation: str, name: str, stores: tuple[str, ...] | None) -> None:
    db.execute('DELETE FROM member_stores WHERE "user" = ?', (name,))
    for store in stores or ():
        known = "SELECT 1 FROM stores WHERE id = ? AND organisation = ?"
        if not store.isprintable() or not db.execute(known, (store, organisation)).fetchone():
            raise UnknownError(f"there is no store {store!r}")
        db.execute('INSERT INTO member_stores (store, "user") VALUES (?, ?)', (store, name))


def _require_another_owner(db: Connection, owner: Member) -> None:
    others = "SELECT 1 FROM users WHERE organisation = ? AND role = ? AND removed IS NULL AND name != ? LIMIT 1"
    if not db.execute(others, (owner.organisation, Role.OWNER.value, owner.name)).fetchone():
        raise ValueError(f"{owner.name!r} is the last owner: make another user an owner first")


def _read(db: Connection, organisation: str, name: str) -> Member:
    known = "SELECT role, limited, created FROM users WHERE name = ? AND organisation = ? AND removed IS NULL"
    row = db.execute(known, (name, organisation)).fetchone() if name.isprintable() else None
    if row is None:
        raise UnknownError(f"there is no user {name!r}")
    role, limited, created = row
    named = db.execute('SELECT store FROM member_stores WHERE "user" = ? ORDER BY store', (name,)).fetchall()
    return Member(name, organisation, Role(role), tuple(each[0] for each in named) if limited else None, created)


def _detail(organisation: str, role: Role, stores: tuple[str, ...] | None) -> dict[str, str]:
    listed = "all" if stores is None else " ".join(stores[:20]) + (f" … {len(stores)}" if len(stores) > 20 else "")
    return {"organisation": organisation, "role": role.value, "stores": listed}
