"""`metrica-admin check`: whether the sums that figures are made of are those of the events."""

from __future__ import annotations

import argparse

from metrica.dashboard.admin.shared.commands import Subparsers, add_command, open_database, require_store
from metrica.dashboard.service.serving import say
from metrica.dashboard.upkeep.export import local_time
from metrica.dashboard.upkeep.sums import Mismatch, Sums

_SHOWN = 20


def add_commands(commands: Subparsers) -> None:
    """Add `check`."""
    check = add_command(
        commands,
        "check",
        check_sums,
        "compare the sums that figures are made of with the events, as far as these are kept",
        "metrica-admin check --repair",
    )
    check.add_argument("--store", help="of this store only; otherwise of every store")
    check.add_argument("--repair", action="store_true", help="put the sums right that are wrong")


def check_sums(args: argparse.Namespace) -> int:
    """Show, and with `--repair` put right, the sums that are wrong. Returns 1 if some are wrong and stay so."""
    wrong = 0
    with open_database(args) as database:
        stores = [require_store(database, args.store)] if args.store is not None else database.stores.all()
        sums = Sums(database)
        for store in stores:
            count = 0
            for mismatch in sums.mismatches(store.id):
                count += 1
                if count <= _SHOWN:
                    say(f"{store.id}: {_said(mismatch, store.timezone)}")
            if count and args.repair:
                say(f"{store.id}: {sums.repair(store.id)} sums were wrong, and are right now")
            elif count:
                say(f"{store.id}: {count} sums are wrong: 'metrica-admin check --repair' puts them right")
            wrong += count
    if not wrong:
        say(f"the sums of {len(stores)} store{'s' if len(stores) != 1 else ''} are those of the events")
    return 1 if wrong and not args.repair else 0


def _said(one: Mismatch, zone: str) -> str:
    """Say what is wrong in one line."""
    begin = local_time(one.quarter, zone)
    if one.line is None:
        kept, counted = one.kept[0] / 1e9, one.counted[0] / 1e9
        return f"{begin}, camera {one.camera}: the sum says it looked for {kept:.0f} s, its coverage {counted:.0f} s"
    return (
        f"{begin}, camera {one.camera}, line {one.line}: the sum says {one.kept[0]} in and {one.kept[1]} out,"
        f" the events {one.counted[0]} and {one.counted[1]}"
    )
