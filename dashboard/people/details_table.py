"""What is known of the stores, in the database (tables `store_details` and `store_labels`)."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.database.statements import upsert
from metrica.dashboard.kpis.hours import OpeningHours
from metrica.dashboard.people.details import NAMES, StoreDetails, read_details
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.store.audit import COMMAND, Scalar, record

_COLUMNS = "name, address, country, currency, hours, floor_area, capacity"
_TOGETHER = 1000  # stores in one question: no database takes any number of values
_KINDS = {"tags": "tag", "groups": "group"}


class DetailsTable:
    """The details of the stores of a database. Whoever calls has checked whose store it is, see `Access.store`."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def get(self, store: str) -> StoreDetails:
        """Return what is known of a store; nothing if there is no such store."""
        with self._file.snapshot() as db:
            return _read(db, store)

    def names(self, stores: list[str]) -> dict[str, str]:
        """Return what people call these stores, by id; without those that have no name."""
        found: dict[str, str] = {}
        for n in range(0, len(stores), _TOGETHER):
            some = stores[n : n + _TOGETHER]
            marks = ", ".join("?" * len(some))
            sql = f"SELECT store, name FROM store_details WHERE name != '' AND store IN ({marks})"
            found |= dict(self._file.rows(sql, *some))
        return found

    def change(self, store: str, details: dict[str, Any], *, actor: str = COMMAND, address: str = "") -> StoreDetails:
        """Change some details of a store and return all.

        details: those to change, by the names in `StoreDetails`, as `read_details` takes them.
        actor, address: who does it and from where, for the audit log.
        Raises ValueError for what cannot be, UnknownError if there is no such store.
        """
        now, changes = self._file.clock(), read_details(details)

        def write(db: Connection) -> StoreDetails:
            if not db.execute("SELECT 1 FROM stores WHERE id = ?", (store,)).fetchone():
                raise UnknownError(f"there is no store {store!r}")
            before = _read(db, store)
            after = replace(before, **changes)
            changed = [name for name in NAMES if getattr(after, name) != getattr(before, name)]
            if changed:
                _write(db, store, after)
                detail: dict[str, Scalar] = {}
                for name in changed:
                    detail[name] = _as_word(getattr(after, name))
                    detail[f"{name} before"] = _as_word(getattr(before, name))
                record(db, now, actor, "store changed", store, address=address, detail=detail)
            return after

        return self._file.write(write).result()


def as_document(details: StoreDetails) -> dict[str, Any]:
    """Return details as JSON has them."""
    made = asdict(replace(details, hours=None))
    hours = details.hours.as_document() if details.hours is not None else None
    return made | {"hours": hours, "tags": list(details.tags), "groups": list(details.groups)}


def _read(db: Connection, store: str) -> StoreDetails:
    row = db.execute(f"SELECT {_COLUMNS} FROM store_details WHERE store = ?", (store,)).fetchone()
    if row is None:
        return StoreDetails()
    name, address, country, currency, hours, floor_area, capacity = row
    labels: dict[str, list[str]] = {"tag": [], "group": []}
    for kind, label in db.execute("SELECT kind, label FROM store_labels WHERE store = ? ORDER BY label", (store,)):
        labels[kind].append(label)
    return StoreDetails(
        name,
        address,
        country,
        currency,
        OpeningHours.of(json.loads(hours)) if hours else None,
        floor_area,
        capacity,
        tuple(sorted(labels["tag"])),
        tuple(sorted(labels["group"])),
    )


def _write(db: Connection, store: str, details: StoreDetails) -> None:
    hours = json.dumps(details.hours.as_document(), separators=(",", ":")) if details.hours is not None else ""
    row = {name: getattr(details, name) for name in _COLUMNS.split(", ")}
    upsert(db, "store_details", "store", {"store": store} | row | {"hours": hours})
    db.execute("DELETE FROM store_labels WHERE store = ?", (store,))
    labels = [(store, kind, label) for name, kind in _KINDS.items() for label in getattr(details, name)]
    db.executemany("INSERT INTO store_labels (store, kind, label) VALUES (?, ?, ?)", labels)


def _as_word(value: object) -> Scalar:
    """Return a detail as the audit log keeps it."""
    if isinstance(value, OpeningHours):
        return json.dumps(value.as_document(), ensure_ascii=False, separators=(",", ":"))[:500]
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return value if isinstance(value, str | int | float | bool) else None
