"""`metrica-admin store`: the stores and their settings."""

from __future__ import annotations

import argparse
from typing import Any

from metrica.dashboard.admin.commands import (
    Subparsers,
    add_command,
    add_group,
    add_store_argument,
    open_database,
    require_store,
)
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.store import DEFAULT_CUTOFF_HOUR
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
    change = add_command(
        store,
        "set",
        set_store,
        "change the settings that are given, and keep the others",
        "metrica-admin store set tunis-01 --empty 23",
    )
    add_store_argument(change)
    add_settings(change, required=False)
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


def add_store(args: argparse.Namespace) -> int:
    """Add a store, or change the settings that are given."""
    with open_database(args, make=True) as database:
        store = database.stores.say(args.store, _given(args))
    say(f"{store.id}: {store.timezone}, the day begins at {store.cutoff_hour:02}:00")
    return 0


def set_store(args: argparse.Namespace) -> int:
    """Change the settings of a store that are given."""
    changes = _given(args)
    if not changes:
        raise ValueError("nothing to change: give --timezone, --cutoff, --empty, --recall or --precision")
    with open_database(args) as database:
        before = require_store(database, args.store)
        after = database.stores.say(args.store, changes)
    for name in changes:
        say(f"{after.id}: {name} was {getattr(before, name)}, is {getattr(after, name)}")
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
