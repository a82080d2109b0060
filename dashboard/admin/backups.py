"""`metrica-admin backup`, `restore` and `copy`: the whole database as one file and back, or in another database."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType

from metrica.dashboard.admin.shared.commands import Subparsers, add_command, open_database
from metrica.dashboard.copying.backups import draw_up, put_back
from metrica.dashboard.copying.copying import Copied, copy
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.service.commands import database_place, place_of
from metrica.dashboard.service.serving import say
from metrica.dashboard.upkeep.backup import Contents, back_up
from metrica.dashboard.upkeep.export import local_time
from metrica.dashboard.upkeep.restoring import restore

_PLACE = "a SQLite file, or the address of a PostgreSQL database, postgresql://USER@HOST/NAME"


def add_commands(commands: Subparsers) -> None:
    """Add `backup`, `restore` and `copy`."""
    backup = add_command(
        commands,
        "backup",
        write_backup,
        "write the whole database into a new SQLite file, checked, also while a server writes",
        "metrica-admin backup /mnt/usb/metrica-$(date +%F).db --data /var/lib/metrica/tunis-01",
    )
    backup.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist; nothing is overwritten")
    back = add_command(
        commands,
        "restore",
        restore_backup,
        "put a backup in the place of a SQLite file, which is kept beside it, or into an empty PostgreSQL database",
        "metrica-admin restore /mnt/usb/metrica-2026-11-28.db --data /var/lib/metrica/tunis-01",
    )
    back.add_argument("file", type=Path, metavar="FILE", help="the backup; of this Metrica or of an older one")
    whole = add_command(
        commands,
        "copy",
        copy_database,
        "copy all that a database holds into an empty one, also from SQLite to PostgreSQL and back, and compare them",
        "metrica-admin copy /var/lib/metrica/metrica.db postgresql://metrica@db.example/metrica",
        places=True,
    )
    whole.add_argument("source", metavar="FROM", help=f"{_PLACE}; it is not changed, and may be in use")
    whole.add_argument(
        "target", metavar="TO", help=f"{_PLACE}; a file must not exist, a PostgreSQL database must be empty"
    )


def write_backup(args: argparse.Namespace) -> int:
    """Write a backup."""
    place = database_place(args)
    with stoppable() as stopped:
        contents = draw_up(place, args.file, stopped) if isinstance(place, str) else back_up(place, args.file, stopped)
    say(f"{args.file}: {_described(contents)}, {args.file.stat().st_size} bytes, checked")
    try:
        with open_database(args) as database:
            database.audit.add("command line", "backup made", args.file.name).result()
    except DatabaseError as error:  # such as a full disk: the backup is what is needed then
        sys.stderr.write(f"metrica-admin: the backup is complete, but not in the audit log: {error}\n")
    return 0


def restore_backup(args: argparse.Namespace) -> int:
    """Restore a backup."""
    place = database_place(args)
    with stoppable() as stopped:
        if isinstance(place, Path):
            restored, name = restore(args.file, place, stopped), str(place)
        else:
            restored, name = put_back(args.file, place, stopped)
    say(f"{name} is now {args.file}: {_described(restored.contents)}")
    if restored.aside is not None:
        say(f"the database before is {restored.aside}: delete it when you need it no longer")
    if isinstance(place, str) or (restored.aside is not None and not restored.carried):
        say("it does not tell which tokens were revoked since the backup: revoke them again")
    for store in restored.erased:
        say(f"{store} was deleted since the backup and is back: delete it again with 'metrica-admin delete {store}'")
    return 0


def copy_database(args: argparse.Namespace) -> int:
    """Copy a database."""
    with stoppable() as stopped:
        copied = copy(place_of(args.source), place_of(args.target), stopped)
    for table in copied.tables:
        say(f"{table.name}\t{table.rows} rows\t{table.sum}")
    rows = sum(table.rows for table in copied.tables)
    say(f"{copied.target} holds {len(copied.tables)} tables and {rows} rows; counts and sums are those of the source")
    _say_moment(copied)
    return 0


def _say_moment(copied: Copied) -> None:
    """Say which moment a copy shows."""
    say(f"it is {copied.source} as it was at {local_time(copied.moment, 'UTC')}")
    if copied.in_use:
        say(
            f"a program has {copied.source} open, and what it has written since is not in the copy: to move an"
            " installation, stop its servers first, then copy"
        )


@contextlib.contextmanager
def stoppable() -> Generator[Callable[[], bool]]:
    """Inside, SIGTERM, SIGHUP and Ctrl-C do not end the program. Gives a function that says whether one has come."""
    came: list[int] = []

    def heard(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _described(contents: Contents) -> str:
    newest = "" if contents.newest is None else f" up to {local_time(contents.newest, 'UTC')}"
    return f"schema {contents.schema}, {contents.stores} stores, {contents.events} events{newest}"
