"""What the subjects of `metrica-admin` share: a subcommand with an example, and the database that it works on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.commands import add_data_option, add_database_option, database_place
from metrica.dashboard.store.database import Database

Work = Callable[[argparse.Namespace], int]
"""Does what a subcommand asks for, and returns the exit status."""


class Subparsers(Protocol):
    """What `ArgumentParser.add_subparsers` returns, as far as it is used."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        """Add a subcommand."""
        ...


def add_group(commands: Subparsers, name: str, help_text: str) -> Subparsers:
    """Add a subcommand that has subcommands of its own, such as `store`."""
    parser = commands.add_parser(name, help=help_text, description=_sentence(help_text))
    return parser.add_subparsers(required=True, metavar="ACTION")


def add_command(
    commands: Subparsers, name: str, work: Work, help_text: str, example: str, *, places: bool = False
) -> argparse.ArgumentParser:
    """Add a subcommand with the options that each has. example: a whole command line, shown by `--help`.

    places: it names its databases by arguments of its own, so it has no `--data` and no `--database`.
    """
    parser = commands.add_parser(
        name,
        help=help_text,
        description=_sentence(help_text),
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if not places:
        add_data_option(parser)
        add_database_option(parser)
    parser.set_defaults(work=work)
    return parser


def add_store_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument STORE."""
    parser.add_argument("store", metavar="STORE", help="the store's id, such as tunis-01")


def open_database(args: argparse.Namespace, *, make: bool = False) -> Database:
    """Open the database that the arguments name. make: a missing file is made. Raises DatabaseError."""
    place = database_place(args)
    if not make and isinstance(place, Path) and not place.exists():
        raise DatabaseError(f"there is no database {place}: name its folder with --data or the file with --database")
    return Database(place)


def require_store(database: Database, name: str) -> Store:
    """Return the store with this id. Raises DatabaseError if there is none."""
    store = database.stores.get(name)
    if store is None:
        raise DatabaseError(f"there is no store {name!r}: add it with 'metrica-admin store add {name} --timezone ZONE'")
    return store


def _sentence(help_text: str) -> str:
    return f"{help_text[0].upper()}{help_text[1:]}."
