"""`metrica-admin box`: the boxes that have said hello."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from metrica.dashboard.admin.shared.commands import (
    Subparsers,
    add_command,
    add_group,
    add_store_argument,
    open_database,
    require_store,
)
from metrica.dashboard.boxes.table import BoxTable
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.service.serving import say


def add_commands(commands: Subparsers) -> None:
    """Add `box` and its actions."""
    box = add_group(commands, "box", "list or forget the boxes that have said hello")
    listed = add_command(box, "list", list_boxes, "list the boxes of a store", "metrica-admin box list tunis-01")
    add_store_argument(listed)
    remove = add_command(
        box,
        "remove",
        remove_box,
        "forget a box that is gone, so that its silence is no alert",
        "metrica-admin box remove tunis-01 box-3f9a1c22d0",
    )
    add_store_argument(remove)
    remove.add_argument("box", metavar="BOX", help="its name, as 'box list' shows it")


def list_boxes(args: argparse.Namespace) -> int:
    """List the boxes of a store."""
    with open_database(args) as database:
        require_store(database, args.store)
        for box in BoxTable(database).of_stores([args.store]):
            heard = datetime.fromtimestamp(box.heard / 1e9, UTC)
            say(f"{box.box}\theard {heard:%Y-%m-%dT%H:%M:%SZ}\t{box.hello.version}")
    return 0


def remove_box(args: argparse.Namespace) -> int:
    """Forget a box."""
    with open_database(args) as database:
        require_store(database, args.store)
        if not BoxTable(database).remove(args.store, args.box):
            raise DatabaseError(f"{args.store!r} has no box {args.box!r}: see 'metrica-admin box list {args.store}'")
    say(f"removed {args.box}")
    return 0
