"""The stores and their settings, in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.database.statements import lock_row, upsert
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.store.gone import erased, fingerprint, forget_store, tables_of_stores
from metrica.dashboard.store.origins import ADMIN

COLUMNS = "id, timezone, cutoff_hour, empty_hour, recall, precision"
"""The columns of a store, in the order of the fields of `Store`."""
_DATA = ("events", "watched", "empties", "removed_events", "removed_watched", "quarters", "looked")


class StoreTable:
    """The stores of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def all(self) -> list[Store]:
        """Return every store, in order of their ids."""
        return [Store(*row) for row in self._file.rows(f"SELECT {COLUMNS} FROM stores ORDER BY id")]

    def get(self, store: str) -> Store | None:
        """Return the store with this id; None if there is none."""
        rows = self._file.rows(f"SELECT {COLUMNS} FROM stores WHERE id = ?", store)
        return Store(*rows[0]) if rows else None

    def put(self, store: Store, *, actor: str = COMMAND) -> None:
        """Add a store, or replace the settings of the one with this id, because an administrator says so.

        What differs from the settings before, or from the defaults, counts as said by the administrator.
        actor: who does it, for the audit log.
        """
        now = self._file.clock()

        def write(db: Connection) -> None:
            before, _ = _read(db, store.id)
            usual = asdict(before or Store(store.id, store.timezone))
            said = {name for name, value in _settings(store).items() if value != usual[name]}
            _write(db, store, dict.fromkeys(said | ({"timezone"} if before is None else set()), ADMIN), now, actor)

        self._file.write(write).result()

    def say(
        self,
        store: str,
        settings: Mapping[str, Any],
        *,
        organisation: str = "",
        actor: str = COMMAND,
        address: str = "",
    ) -> Store:
        """Change some settings of a store, because an administrator says so, and return it with all of them.

        A store that is not there is added. The settings are named as in `Store`.
        organisation: whose a new store is; empty: the first one's. actor, address: for the audit log.
        Raises ValueError for a setting that cannot be, and for a new store without `timezone`.
        """
        now = self._file.clock()

        def write(db: Connection) -> Store:
            before, _ = _read(db, store)
            if before is None and "timezone" not in settings:
                raise ValueError(f"there is no store {store!r}: give its time zone too, and it is added")
            after = replace(before or Store(store, settings["timezone"]), **settings)
            _write(db, after, dict.fromkeys(settings, ADMIN), now, actor, address)
            if before is None and organisation:
                if not lock_row(db, "organisations", "id", organisation):  # removed at this moment
                    raise ValueError(
                        f"there is no organisation {organisation!r}: see 'metrica-admin organisation list'"
                    )
                db.execute("UPDATE stores SET organisation = ? WHERE id = ?", (organisation, store))
            return after

        return self._file.write(write).result()

    def fill(self, store: str, settings: Mapping[str, Any], origin: str) -> dict[str, Any]:
        """Take the settings of a launch file, as far as no administrator said otherwise. A missing store is added.

        A setting that the launch file said before, and does not say any more, goes back to its default.
        settings: what the launch file says, with `timezone`. origin: see `metrica.dashboard.store.origins.launch_file`.
        Returns the settings of an administrator that stand against the launch file's, with their values.
        Raises ValueError for a setting that cannot be, DatabaseError if an administrator has deleted the store.
        """
        now = self._file.clock()

        def write(db: Connection) -> dict[str, Any]:
            if erased(db, store) is not None:
                raise DatabaseError(
                    f"the store {store!r} was deleted by an administrator: give the launch file another store, or add"
                    f" this one again with 'metrica-admin store add {store} --timezone ZONE'"
                )
            before, origins = _read(db, store)
            usual = _settings(Store(store, settings["timezone"]))
            unsaid = {name: usual[name] for name, by in origins.items() if by == origin and name not in settings}
            wanted = {name: value for name, value in {**unsaid, **settings}.items() if origins.get(name) != ADMIN}
            after = replace(before or Store(store, settings["timezone"]), **wanted)
            said = {name: None if name in unsaid else origin for name in wanted}
            if before is None or after != before or any(origins.get(name) != by for name, by in said.items()):
                _write(db, after, said, now, origin)
            stands = _settings(after)
            return {name: stands[name] for name, value in settings.items() if value != stands[name]}

        return self._file.write(write).result()

    def origins(self, store: str) -> dict[str, str]:
        """Return who said each setting of a store; the others have their defaults, or are from before it was noted."""
        rows = self._file.rows("SELECT origins FROM stores WHERE id = ?", store)
        return json.loads(rows[0][0]) if rows else {}

    def is_deleted(self, store: str) -> bool:
        """Whether an administrator has deleted the store, and not added it again."""
        return bool(self._file.rows("SELECT 1 FROM erased_stores WHERE hash = ?", fingerprint(store)))

    def remove(self, store: str, *, actor: str = COMMAND) -> bool:
        """Remove a store with its tokens, for launch files too. Returns False, and changes nothing, if it has data."""
        now = self._file.clock()

        def delete(db: Connection) -> bool:
            self._file.lock_store(db, store)
            for table in _DATA:
                if db.execute(f"SELECT 1 FROM {table} WHERE store = ? LIMIT 1", (store,)).fetchone():
                    return False
            forget_store(db, store, now)
            for table in tables_of_stores(self._file, db):
                db.execute(f'DELETE FROM "{table}" WHERE store = ?', (store,))
            if db.execute("DELETE FROM stores WHERE id = ?", (store,)).rowcount:
                record(db, now, actor, "store removed", store)
            return True

        return self._file.write(delete).result()


def _settings(store: Store) -> dict[str, Any]:
    return {name: value for name, value in asdict(store).items() if name != "id"}


def _read(db: Connection, store: str) -> tuple[Store | None, dict[str, str]]:
    """Return a store and who said its settings, inside a write."""
    row = db.execute(f"SELECT {COLUMNS}, origins FROM stores WHERE id = ?", (store,)).fetchone()
    return (Store(*row[:-1]), json.loads(row[-1])) if row else (None, {})


def _write(
    db: Connection, store: Store, said: Mapping[str, str | None], now: int, actor: str, address: str = ""
) -> None:
    """Write a store's settings and who said those in `said` (None: nobody any more), with an entry in the audit log."""
    before, origins = _read(db, store.id)
    known = {name: by for name, by in {**origins, **said}.items() if by is not None}
    row = asdict(store) | {"origins": json.dumps(known, sort_keys=True)}
    upsert(db, "stores", "id", row)
    db.execute("DELETE FROM erased_stores WHERE hash = ?", (fingerprint(store.id),))  # it is there again
    old, new = _settings(before) if before else {}, _settings(store)
    changed = {name: value for name, value in new.items() if value != old.get(name)}
    if changed or before is None:
        was = {f"{name} before": old[name] for name in changed if before}
        record(
            db,
            now,
            actor,
            "store changed" if before else "store added",
            store.id,
            address=address,
            detail=changed | was,
        )
