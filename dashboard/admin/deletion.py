"""`metrica-admin delete` and `retention`: what is kept no longer."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from metrica.dashboard.admin.shared.commands import (
    Subparsers,
    add_command,
    add_store_argument,
    open_database,
    require_store,
)
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.service.commands import database_place
from metrica.dashboard.service.serving import say
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.erasure import Erasure, scrub
from metrica.dashboard.upkeep.export import local_time
from metrica.dashboard.upkeep.retention import DEFAULT_DAYS, Expired, Retention, checked_days


def add_commands(commands: Subparsers) -> None:
    """Add `delete` and `retention`."""
    delete = add_command(
        commands,
        "delete",
        delete_store,
        "erase a store and all that is kept of it, for good; of a SQLite file no trace is left",
        "metrica-admin delete tunis-01 --yes",
    )
    add_store_argument(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    retention = add_command(
        commands,
        "retention",
        keep,
        "show what is older than it is kept, and with --yes remove it",
        "metrica-admin retention --set 400 && metrica-admin retention --yes",
    )
    retention.add_argument("--store", help="of this store only; otherwise of every store")
    retention.add_argument(
        "--days",
        type=int,
        metavar="N",
        help=f"this time, keep N days (default: the store's own number, or {DEFAULT_DAYS})",
    )
    retention.add_argument("--set", type=int, metavar="N", help="from now on, keep N days; removes nothing yet")
    retention.add_argument(
        "--sums-days",
        metavar="N",
        help="from now on, keep the sums of N days, or of 'all' (the default); removes nothing yet",
    )
    how = retention.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="only show it (the default)")
    how.add_argument("--yes", action="store_true", help="remove it")


def delete_store(args: argparse.Namespace) -> int:
    """Erase a store, after a confirmation."""
    with open_database(args) as database:
        erased = Erasure(database).erased(args.store)
        known = database.stores.get(args.store) is not None
        if not known and erased is None:
            require_store(database, args.store)
        if known:
            _confirm(database, args)
            counts = Erasure(database).erase(args.store)
            say(f"deleted {args.store}: {counts.get('events', 0)} events, and {sum(counts.values())} rows in all")
    place = database_place(args)
    in_file = isinstance(place, Path)
    if in_file:
        say("the file is written anew; a server that wants to write waits meanwhile")
    try:
        scrub(place)
    except DatabaseError as error:
        raise DatabaseError(
            f"{error} (the data are deleted, but traces may be left in the {'file' if in_file else 'database'} until"
            f" 'metrica-admin delete {args.store}' was run again)"
        ) from None
    if not known:
        say(f"{args.store} was deleted on {_day(erased)}; the {'file' if in_file else 'database'} is clean")
    elif in_file:
        say(f"nothing of {args.store} is left in the database; backups, exports and the box keep what they have")
    else:
        say(
            f"no row of {args.store} is left; the server writes over their place with the time (at once with VACUUM"
            " FULL), and its write-ahead log, backups, exports and the box keep what they have"
        )
    return 0


def keep(args: argparse.Namespace) -> int:
    """Show or remove what is too old, or choose how much is kept."""
    chosen = args.set is not None or args.sums_days is not None
    if chosen and (args.days is not None or args.yes):
        raise ValueError("--set removes nothing, nor does --sums-days: choose first, then remove with --yes")
    sums = None if args.sums_days in (None, "all") else _number(args.sums_days)
    for days in (args.days, args.set):
        if days is not None:
            checked_days(days)
    with open_database(args) as database:
        stores = [require_store(database, args.store)] if args.store is not None else database.stores.all()
        for store in stores if chosen else ():
            if args.set is not None:
                Retention(database).choose(store.id, args.set)
                say(f"{store.id}: {args.set} days are kept now: 'metrica-admin retention --yes' removes the rest")
            if args.sums_days is not None:
                Retention(database).choose_sums(store.id, sums)
                say(f"{store.id}: the sums of {args.sums_days} days are kept now")
        if chosen:
            return 0
        for store in stores:
            days = Retention(database).days(store.id) if args.days is None else args.days
            expired = Retention(database).expired(store, days)
            _say_expired(expired)
            if args.yes and expired.rows:
                say(f"{store.id}: removed {Retention(database).remove(expired)} rows")
            if args.yes and (gone := Retention(database).remove_sums(store)):
                say(f"{store.id}: removed {gone} sums of the time before: it is 'no data' now")
    if not args.yes:
        say("nothing is changed without --yes")
    return 0


def _number(text: str) -> int:
    try:
        return checked_days(int(text))
    except ValueError as error:
        if str(error).startswith("invalid literal"):
            raise ValueError(f"--sums-days {text}: give a number of days, or 'all'") from None
        raise


def _say_expired(expired: Expired) -> None:
    store = expired.store
    if not expired.rows:
        say(f"{store.id}: {expired.days} days are kept, nothing is older")
        return
    oldest = "" if expired.oldest is None else f", the oldest from {local_time(expired.oldest, store.timezone)[:10]}"
    say(
        f"{store.id}: {expired.days} days are kept; before {expired.day} are {expired.events} events{oldest}"
        f" ({expired.rows} rows in all)"
    )
    say(f"{store.id}: no figure changes: the sums of the days before {expired.day} stay")


def _confirm(database: Database, args: argparse.Namespace) -> None:
    """Ask for the store's id. Raises DatabaseError if it is not given."""
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise DatabaseError(f"this deletes {args.store} for good: give --yes, or run it at a terminal")
    events = database.events.count(args.store)
    sys.stderr.write(f"This deletes {args.store} with {events} events for good. Type its id to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != args.store:
        raise DatabaseError("that is not the id of the store: nothing is deleted")


def _day(moment: int | None) -> str:
    return f"{datetime.fromtimestamp((moment or 0) // 10**9, UTC):%Y-%m-%d}"
