"""`metrica-admin copy`: a whole installation from one database to another, of another kind too."""

from __future__ import annotations

import argparse

from metrica.dashboard.admin.backups import stoppable
from metrica.dashboard.admin.commands import Subparsers, add_command
from metrica.dashboard.copying.copying import Copied, copy
from metrica.dashboard.service.commands import place_of
from metrica.dashboard.service.serving import say
from metrica.dashboard.upkeep.export import local_time

_PLACE = "a SQLite file, or the address of a PostgreSQL database, postgresql://USER@HOST/NAME"


def add_commands(commands: Subparsers) -> None:
    """Add `copy`."""
    parser = add_command(
        commands,
        "copy",
        copy_database,
        "copy all that a database holds into an empty one, also from SQLite to PostgreSQL and back, and compare them",
        "metrica-admin copy /var/lib/metrica/metrica.db postgresql://metrica@db.example/metrica",
        places=True,
    )
    parser.add_argument("source", metavar="FROM", help=f"{_PLACE}; it is not changed, and may be in use")
    parser.add_argument(
        "target", metavar="TO", help=f"{_PLACE}; a file must not exist, a PostgreSQL database must be empty"
    )


def copy_database(args: argparse.Namespace) -> int:
    """Copy a database."""
    with stoppable() as stopped:
        copied = copy(place_of(args.source), place_of(args.target), stopped)
    for table in copied.tables:
        say(f"{table.name}\t{table.rows} rows\t{table.sum}")
    rows = sum(table.rows for table in copied.tables)
    say(f"{copied.target} holds {len(copied.tables)} tables and {rows} rows; counts and sums are those of the source")
    say_moment(copied)
    return 0


def say_moment(copied: Copied) -> None:
    """Say which moment a copy shows."""
    say(f"it is {copied.source} as it was at {local_time(copied.moment, 'UTC')}")
    if copied.in_use:
        say(
            f"a program has {copied.source} open, and what it has written since is not in the copy: to move an"
            " installation, stop its servers first, then copy"
        )
