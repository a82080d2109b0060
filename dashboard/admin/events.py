"""`metrica-admin remove-events` and `restore-events`: a bad stretch goes out of every figure, and comes back."""

from __future__ import annotations

import argparse
from datetime import date

from metrica.dashboard.admin.shared.commands import (
    Subparsers,
    add_command,
    add_store_argument,
    open_database,
    require_store,
)
from metrica.dashboard.admin.shared.times import parse_time
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.events import IN, OUT, Events
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import say
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.export import local_time
from metrica.dashboard.upkeep.removals import Removal, Removals, Stretch


def add_commands(commands: Subparsers) -> None:
    """Add `remove-events` and `restore-events`."""
    remove = add_command(
        commands,
        "remove-events",
        remove_events,
        "show what a stretch holds, and with --yes remove it from every figure; it can be restored",
        "metrica-admin remove-events tunis-01 --from 2022-03-01 --to 2022-03-02 --why 'clock not set' --yes",
    )
    add_store_argument(remove)
    remove.add_argument("--from", dest="since", required=True, metavar="TIME", help="its first moment, see --to")
    remove.add_argument(
        "--to",
        dest="until",
        required=True,
        metavar="TIME",
        help="the first moment after it; a date is its 00:00, without an offset the store's own clock is meant",
    )
    remove.add_argument("--camera", help="of this camera only")
    remove.add_argument("--line", help="of this line of the camera only")
    remove.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the audit log")
    remove.add_argument("--yes", action="store_true", help="do it; without it nothing is changed")
    restore = add_command(
        commands,
        "restore-events",
        restore_events,
        "undo a removal by its number; without a number, list the removals",
        "metrica-admin restore-events 3",
    )
    restore.add_argument("number", nargs="?", type=int, metavar="N", help="the number that 'remove-events' gave")


def remove_events(args: argparse.Namespace) -> int:
    """Show the events of a stretch per day, and remove them with `--yes`."""
    if args.line is not None and args.camera is None:
        raise ValueError("a line's name is unique within its camera only: give --camera too")
    if not args.why.strip() or len(args.why) > 500:
        raise ValueError("give the reason in --why, in at most 500 characters")
    with open_database(args) as database:
        store = require_store(database, args.store)
        since, until = parse_time(args.since, store.timezone), parse_time(args.until, store.timezone)
        if since >= until:
            raise ValueError("--to is not after --from: to remove a whole day, give the day after it in --to")
        stretch = Stretch(store.id, since, until, args.camera, args.line)
        events = Removals(database).preview(stretch)
        say(described(stretch, store))
        for day, entered, left in counts_per_day(events, Calendar(store.timezone, store.cutoff_hour)):
            say(f"{day}\t{entered} in\t{left} out")
        if until > database.clock():
            say("the stretch is not over: what comes until then is removed too")
        if not args.yes:
            say(f"{len(events)} events would be removed: nothing is changed without --yes")
            return 0
        removal = Removals(database).remove(stretch, args.why.strip())
    say(f"removed {removal.events} events: 'metrica-admin restore-events {removal.n}' brings them back")
    return 0


def restore_events(args: argparse.Namespace) -> int:
    """Undo a removal, or list the removals."""
    with open_database(args) as database:
        if args.number is None:
            for removal in Removals(database).all():
                say(_line(database, removal))
            return 0
        before = Removals(database).get(args.number)
        Removals(database).restore(args.number)
    if before.restored is not None:
        say(f"the removal {before.n} was undone before: nothing is changed")
    else:
        say(f"restored {before.events} events of {before.stretch.store}")
    return 0


def counts_per_day(events: Events, calendar: Calendar) -> list[tuple[date, int, int]]:
    """Count the INs and the OUTs of each business day that has any, in order."""
    found: list[tuple[date, int, int]] = []
    rest = events
    while len(rest):
        day = calendar.day_of(int(rest.times[0]))
        _, end = calendar.bounds(day)
        of_day = rest.between(int(rest.times[0]), end)
        found.append((day, of_day.count(IN), of_day.count(OUT)))
        rest = Events(rest.times[len(of_day) :], rest.signs[len(of_day) :])
    return found


def described(stretch: Stretch, store: Store) -> str:
    """Say which events a stretch holds."""
    camera = "every camera" if stretch.camera is None else f"camera {stretch.camera}"
    line = "" if stretch.line is None else f", line {stretch.line}"
    since, until = (local_time(moment, store.timezone) for moment in (stretch.since, stretch.until))
    return f"{store.id}: from {since} up to {until}, {camera}{line}"


def _line(database: Database, removal: Removal) -> str:
    store = require_store(database, removal.stretch.store)
    state = "restored" if removal.restored is not None else "removed"
    return f"{removal.n}\t{state}\t{removal.events} events\t{described(removal.stretch, store)}\t{removal.why}"
