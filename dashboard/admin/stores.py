"""`metrica-admin store`: the stores and their settings."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from metrica.dashboard.admin.shared.commands import (
    Subparsers,
    add_command,
    add_group,
    add_store_argument,
    open_database,
    require_store,
)
from metrica.dashboard.admin.shared.store_details import add_details, described, given_details
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.hours import OpeningHours
from metrica.dashboard.kpis.store import DEFAULT_CUTOFF_HOUR, Store
from metrica.dashboard.people.details import NAMES, StoreDetails
from metrica.dashboard.people.details_table import DetailsTable
from metrica.dashboard.people.settings import change_settings
from metrica.dashboard.service.serving import say

_NONE = "none"


def add_commands(commands: Subparsers) -> None:
    """Add `store` and its actions."""
    store = add_group(commands, "store", "add, list, change or remove stores")
    add = add_command(
        store,
        "add",
        add_store,
        "add a store, or change the settings that are given",
        "metrica-admin store add tunis-01 --timezone Africa/Tunis --cutoff 4",
    )
    add_store_argument(add)
    add_settings(add, required=True)
    add.add_argument("--organisation", default="", metavar="ID", help="whose it is (default: the first one's)")
    change = add_command(
        store,
        "set",
        set_store,
        "change the settings that are given, and keep the others",
        "metrica-admin store set tunis-01 --empty 23",
    )
    add_store_argument(change)
    add_settings(change, required=False)
    show = add_command(store, "show", show_store, "show all settings of a store", "metrica-admin store show tunis-01")
    add_store_argument(show)
    add_command(store, "list", list_stores, "list the stores", "metrica-admin store list")
    remove = add_command(
        store,
        "remove",
        remove_store,
        "remove a store that has no data, with its tokens; 'delete' removes data too",
        "metrica-admin store remove tunis-02",
    )
    add_store_argument(remove)


def add_settings(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options of a store's settings. required: whether the time zone must be given."""
    parser.add_argument("--timezone", required=required, help="IANA name, such as Africa/Tunis")
    parser.add_argument(
        "--cutoff",
        type=int,
        metavar="HOUR",
        help=f"local hour at which its business day begins{f' (default: {DEFAULT_CUTOFF_HOUR})' if required else ''}",
    )
    parser.add_argument(
        "--empty",
        type=_or_none(int),
        metavar="HOUR",
        help="local hour, some time after closing, at which nobody is ever inside, or 'none'",
    )
    parser.add_argument(
        "--recall",
        type=_or_none(float),
        metavar="SHARE",
        help="the share of the crossings that is counted, from metrica-eval, or 'none'",
    )
    parser.add_argument(
        "--precision",
        type=_or_none(float),
        metavar="SHARE",
        help="the share of what is counted that is true, from metrica-eval, or 'none'",
    )
    add_details(parser)


def add_store(args: argparse.Namespace) -> int:
    """Add a store, or change the settings that are given."""
    with open_database(args, make=True) as database:
        given = _given(args) | given_details(args, DetailsTable(database).get(args.store))
        store, _ = change_settings(database, args.store, given, organisation=args.organisation)
    say(f"{store.id}: {store.timezone}, the day begins at {store.cutoff_hour:02}:00")
    return 0


def set_store(args: argparse.Namespace) -> int:
    """Change the settings of a store that are given."""
    with open_database(args) as database:
        before = (require_store(database, args.store), DetailsTable(database).get(args.store))
        changes = _given(args) | given_details(args, before[1])
        if not changes:
            raise ValueError(
                "nothing to change: give --timezone, --name or another one of 'metrica-admin store set --help'"
            )
        after = change_settings(database, args.store, changes)
    for name in changes:
        say(f"{args.store}: {name} was {_value(before, name)}, is {_value(after, name)}")
    return 0


def show_store(args: argparse.Namespace) -> int:
    """Show all settings of a store."""
    with open_database(args) as database:
        store, details = require_store(database, args.store), DetailsTable(database).get(args.store)
    for name, value in asdict(store).items():
        if value is not None:
            say(f"{name}\t{value}")
    for line in described(details):
        say(line)
    return 0


def list_stores(args: argparse.Namespace) -> int:
    """List the stores."""
    with open_database(args) as database:
        for store in database.stores.all():
            say(f"{store.id}\t{store.timezone}\t{store.cutoff_hour:02}:00")
    return 0


def remove_store(args: argparse.Namespace) -> int:
    """Remove a store without data."""
    with open_database(args) as database:
        require_store(database, args.store)
        if not database.stores.remove(args.store):
            raise DatabaseError(
                f"the store {args.store!r} has data: 'metrica-admin delete {args.store}' removes it with all of them"
            )
    say(f"removed {args.store}")
    return 0


def _value(settings: tuple[Store, StoreDetails], name: str) -> object:
    """Return a setting, as it is said to people."""
    value: object = getattr(settings[1] if name in NAMES else settings[0], name)
    if isinstance(value, OpeningHours):
        return "; ".join(line.replace("\t", " ") for line in described(StoreDetails(hours=value))) or "never"
    return (", ".join(value) or "none") if isinstance(value, tuple) else value


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that stand in the command, by their names; the word "none" as None."""
    options = {
        "timezone": args.timezone,
        "cutoff_hour": args.cutoff,
        "empty_hour": args.empty,
        "recall": args.recall,
        "precision": args.precision,
    }
    return {name: None if value == _NONE else value for name, value in options.items() if value is not None}


def _or_none(kind: type[int] | type[float]) -> Any:
    """Return what reads an option that is a number, or the word that says that there is none."""

    def read(text: str) -> int | float | str:
        return _NONE if text == _NONE else kind(text)

    read.__name__ = "hour" if kind is int else "share"  # argparse says "invalid hour value: ..."
    return read
