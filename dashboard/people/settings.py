"""Changes a store's settings of both kinds: those that the figures depend on, and what else is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.details import NAMES, StoreDetails, read_details
from metrica.dashboard.people.details_table import DetailsTable
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.people.organisations import OrganisationTable
from metrica.dashboard.store.audit import COMMAND
from metrica.dashboard.store.database import Database


def change_settings(
    database: Database,
    store: str,
    given: Mapping[str, Any],
    *,
    organisation: str = "",
    actor: str = COMMAND,
    address: str = "",
) -> tuple[Store, StoreDetails]:
    """Change some settings of a store as an administrator does, and return all. A store that is not there is added.

    given: the settings to change, by the names in `Store` and `StoreDetails`. If one cannot be, none is changed.
    organisation: whose a new store is; empty: the first one's. actor, address: for the audit log.
    Raises ValueError for a setting that cannot be, and for a new store without `timezone`; UnknownError if there is no
    such organisation.
    """
    details = {name: value for name, value in given.items() if name in NAMES}
    settings = {name: value for name, value in given.items() if name not in NAMES}
    table, before = DetailsTable(database), database.stores.get(store)
    known = replace(table.get(store), **read_details(details))
    if organisation:
        _require_own(database, store, organisation, is_new=before is None)
    if before is not None:
        replace(before, **settings)
    if before is None or settings:
        before = database.stores.say(store, settings, organisation=organisation, actor=actor, address=address)
    if details:
        known = table.change(store, details, actor=actor, address=address)
    return before, known


def _require_own(database: Database, store: str, organisation: str, *, is_new: bool) -> None:
    if OrganisationTable(database).get(organisation) is None:
        raise UnknownError(
            f"there is no organisation {organisation!r}: add it with 'metrica-admin organisation add {organisation}'"
        )
    if is_new:
        return
    rows = database.rows("SELECT organisation FROM stores WHERE id = ?", store)
    if rows and rows[0][0] != organisation:
        raise ValueError(
            f"the store {store!r} is of the organisation {rows[0][0]!r}: give it away with"
            f" 'metrica-admin organisation move {store} {organisation}'"
        )
