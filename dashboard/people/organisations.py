"""The organisations, in the database: each has stores and users, and sees nothing of the others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.database.statements import lock_row
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.store.audit import COMMAND, record

MAIN = "main"
"""The organisation of whoever has only one: its stores and users need not name it."""

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Organisation:
    """One of those who use this server."""

    id: str
    """Up to 40 small letters, digits and dashes; the names of its users end with it, see `checked_name`."""
    name: str
    """As people call it; may be empty."""
    created: int
    """ns UTC; 0 for the one that is there from the start."""


class OrganisationTable:
    """The organisations of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def all(self) -> list[Organisation]:
        """Return every organisation, in order of their ids."""
        return [
            Organisation(*row) for row in self._file.rows("SELECT id, name, created FROM organisations ORDER BY id")
        ]

    def get(self, organisation: str) -> Organisation | None:
        """Return the organisation with this id; None if there is none."""
        rows = self._file.rows("SELECT id, name, created FROM organisations WHERE id = ?", organisation)
        return Organisation(*rows[0]) if rows else None

    def add(self, organisation: str, name: str = "", *, actor: str = COMMAND) -> None:
        """Add an organisation. actor: who does it, for the audit log.

        Raises ValueError for an id or a name that cannot be, one that is there, and one with which users' names end.
        """
        if not _ID.fullmatch(organisation):
            raise ValueError(
                f"{organisation!r} cannot name an organisation: use up to 40 small letters, digits and dashes"
            )
        name, now = checked_title(name), self._file.clock()

        def insert(db: Connection) -> None:
            if db.execute("SELECT 1 FROM organisations WHERE id = ?", (organisation,)).fetchone():
                raise ValueError(f"there is an organisation {organisation!r} already")
            ending = f"@{organisation}"
            taken = "SELECT name FROM users WHERE substr(name, length(name) - ? + 1) = ? ORDER BY name LIMIT 1"
            if row := db.execute(taken, (len(ending), ending)).fetchone():
                raise ValueError(
                    f"the organisation cannot be {organisation!r}, because there is a user {row[0]!r}: take another id"
                )
            db.execute("INSERT INTO organisations VALUES (?, ?, ?)", (organisation, name, now))
            record(db, now, actor, "organisation added", organisation, detail={"name": name})

        self._file.write(insert).result()

    def rename(self, organisation: str, name: str, *, actor: str = COMMAND, address: str = "") -> None:
        """Change how people call an organisation. Raises ValueError for such a name, UnknownError if there is none."""
        name, now = checked_title(name), self._file.clock()

        def update(db: Connection) -> None:
            before = _require(db, organisation)
            if before != name:
                db.execute("UPDATE organisations SET name = ? WHERE id = ?", (name, organisation))
                detail = {"name": name, "name before": before}
                record(db, now, actor, "organisation changed", organisation, address=address, detail=detail)

        self._file.write(update).result()

    def remove(self, organisation: str, *, actor: str = COMMAND) -> None:
        """Remove an organisation that has neither stores nor users. Raises ValueError, UnknownError."""
        now = self._file.clock()

        def delete(db: Connection) -> None:
            lock_row(db, "organisations", "id", organisation)  # nothing is added to it while it is looked through
            _require(db, organisation)
            if organisation == MAIN:
                raise ValueError(f"the organisation {MAIN!r} cannot be removed: whoever names none belongs to it")
            for table, what in (("stores", "stores"), ("users", "users")):
                if db.execute(f"SELECT 1 FROM {table} WHERE organisation = ? LIMIT 1", (organisation,)).fetchone():
                    raise ValueError(f"the organisation {organisation!r} has {what}: move or remove them first")
            _forget_targets(db, "organisation = ?", organisation)  # another one may be called so one day
            db.execute("DELETE FROM organisations WHERE id = ?", (organisation,))
            record(db, now, actor, "organisation removed", organisation)

        self._file.write(delete).result()

    def move_store(self, store: str, organisation: str, *, actor: str = COMMAND) -> None:
        """Give a store to another organisation; the users who had it have it no longer, and their webhooks are gone.

        Whom they had told of its alerts is told nothing more, also not that an alert is over.

        Raises UnknownError if there is no such store or organisation.
        """
        now = self._file.clock()

        def update(db: Connection) -> None:
            lock_row(db, "organisations", "id", organisation)
            _require(db, organisation)
            row = db.execute("SELECT organisation FROM stores WHERE id = ?", (store,)).fetchone()
            if row is None:
                raise UnknownError(f"there is no store {store!r}")
            if row[0] != organisation:
                db.execute("UPDATE stores SET organisation = ? WHERE id = ?", (organisation, store))
                for table in ("member_stores", "webhooks"):
                    db.execute(f"DELETE FROM {table} WHERE store = ?", (store,))
                _forget_targets(db, "store = ?", store)
                theirs = "SELECT n FROM alert_targets WHERE organisation = ?"
                db.execute(f"DELETE FROM alert_notices WHERE store = ? AND target IN ({theirs})", (store, row[0]))
                detail = {"organisation": organisation, "organisation before": row[0]}
                record(db, now, actor, "store moved", store, detail=detail)

        self._file.write(update).result()


def checked_title(name: str) -> str:
    """Return what people call something, without blanks at its ends. Raises ValueError if it is not one short line."""
    name = name.strip()
    if len(name) > 100 or not name.isprintable():
        raise ValueError(f"{name[:100]!r} cannot be a name: use up to 100 characters in one line")
    return name


def _forget_targets(db: Connection, which: str, value: str) -> None:
    """Tell some no more of alerts, nor what was still to be told to them."""
    db.execute(f"DELETE FROM alert_notices WHERE target IN (SELECT n FROM alert_targets WHERE {which})", (value,))
    db.execute(f"DELETE FROM alert_targets WHERE {which}", (value,))


def _require(db: Connection, organisation: str) -> str:
    row = db.execute("SELECT name FROM organisations WHERE id = ?", (organisation,)).fetchone()
    if row is None:
        raise UnknownError(
            f"there is no organisation {organisation!r}: add it with 'metrica-admin organisation add {organisation}'"
        )
    return str(row[0])
