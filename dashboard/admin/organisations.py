"""`metrica-admin organisation`: who shares this server without seeing each other."""

from __future__ import annotations

import argparse

from metrica.dashboard.admin.shared.commands import (
    Subparsers,
    add_command,
    add_group,
    add_store_argument,
    open_database,
)
from metrica.dashboard.people.members import MemberTable
from metrica.dashboard.people.organisations import OrganisationTable
from metrica.dashboard.service.serving import say


def add_commands(commands: Subparsers) -> None:
    """Add `organisation` and its actions."""
    group = add_group(commands, "organisation", "add, list, rename or remove organisations, and give them stores")
    add = add_command(
        group,
        "add",
        add_organisation,
        "add an organisation, with stores and users of its own",
        "metrica-admin organisation add medina --name 'La Médina'",
    )
    rename = add_command(
        group,
        "rename",
        rename_organisation,
        "change what people call an organisation",
        "metrica-admin organisation rename medina --name 'La Médina'",
    )
    remove = add_command(
        group,
        "remove",
        remove_organisation,
        "remove an organisation without stores and users",
        "metrica-admin organisation remove medina",
    )
    move = add_command(
        group,
        "move",
        move_store,
        "give a store to another organisation; the users who had it have it no longer",
        "metrica-admin organisation move tunis-02 medina",
    )
    add_command(group, "list", list_organisations, "list the organisations", "metrica-admin organisation list")
    add.add_argument("--name", default="", help="what people call it")
    rename.add_argument("--name", required=True, help="what people call it")
    add_store_argument(move)
    for one in (add, rename, remove, move):
        one.add_argument("organisation", metavar="ORGANISATION", help="its id: small letters, digits and dashes")


def add_organisation(args: argparse.Namespace) -> int:
    """Add an organisation."""
    with open_database(args, make=True) as database:
        OrganisationTable(database).add(args.organisation, args.name)
    say(f"added {args.organisation}: its users are called something like amel@{args.organisation}")
    return 0


def rename_organisation(args: argparse.Namespace) -> int:
    """Change the name of an organisation."""
    with open_database(args) as database:
        OrganisationTable(database).rename(args.organisation, args.name)
    say(f"{args.organisation} is called {args.name}")
    return 0


def remove_organisation(args: argparse.Namespace) -> int:
    """Remove an organisation."""
    with open_database(args) as database:
        OrganisationTable(database).remove(args.organisation)
    say(f"removed {args.organisation}")
    return 0


def move_store(args: argparse.Namespace) -> int:
    """Give a store to another organisation."""
    with open_database(args) as database:
        OrganisationTable(database).move_store(args.store, args.organisation)
    say(f"{args.store} is of {args.organisation} now; its boxes go on sending")
    return 0


def list_organisations(args: argparse.Namespace) -> int:
    """List the organisations, with how many stores and users each has."""
    with open_database(args) as database:
        counted = dict(database.rows("SELECT organisation, count(*) FROM stores GROUP BY organisation"))
        for one in OrganisationTable(database).all():
            users = len(MemberTable(database).all(one.id))
            say(f"{one.id}\t{counted.get(one.id, 0)} stores\t{users} users\t{one.name}")
    return 0
