"""`metrica-admin alert`: who is told when something is wrong, and what is wrong now."""

from __future__ import annotations

import argparse
import sys

from metrica.dashboard.admin.shared.commands import Subparsers, add_command, add_group, open_database
from metrica.dashboard.alerts.notices import NoticeTable
from metrica.dashboard.alerts.sending import Message, check_address, send
from metrica.dashboard.alerts.targets import Target, TargetTable, read_quiet, shown
from metrica.dashboard.alerts.wording import in_words, trial_wording
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.service.serving import say
from metrica.dashboard.texts.texts import LANGUAGES


def add_commands(commands: Subparsers) -> None:
    """Add `alert` and its actions."""
    alert = add_group(commands, "alert", "say who is told when something is wrong, and see what is")
    add = add_command(
        alert,
        "add",
        add_target,
        "tell somebody of alerts, and again when they are over",
        "metrica-admin alert add --store tunis-01 --language fr --quiet 22:00-07:00 https://hooks.example/metrica",
    )
    add.add_argument(
        "address",
        metavar="ADDRESS",
        help="https://… for a webhook, mailtos://… or another address of apprise; - reads it from the standard input,"
        " so that a password in it is in no list of processes",
    )
    add.add_argument("--store", metavar="STORE", help="only of this store (default: of all, and of the server)")
    add.add_argument("--organisation", default="", metavar="ID", help="only of the stores of this organisation")
    add.add_argument("--language", choices=tuple(LANGUAGES), default="en", help="(default: %(default)s)")
    add.add_argument("--quiet", metavar="22:00-07:00", help="when nothing is sent, by the clock of the alert's store")
    add.add_argument(
        "--allow-private",
        action="store_true",
        help="a webhook may be in this server's own network, and over plain HTTP",
    )
    add_command(alert, "list", list_targets, "list who is told, without passwords", "metrica-admin alert list")
    add_command(alert, "open", list_alerts, "list what is wrong now, as it was told", "metrica-admin alert open")
    for action, work, help_text in (
        ("test", test_target, "send a test, and wait until it is taken"),
        ("remove", remove_target, "tell somebody no more"),
    ):
        one = add_command(alert, action, work, help_text, f"metrica-admin alert {action} 3")
        one.add_argument("number", type=int, metavar="N", help="the number that 'alert list' shows")


def add_target(args: argparse.Namespace) -> int:
    """Add a target."""
    address = sys.stdin.readline().strip() if args.address == "-" else args.address
    check_address(address, allow_private=args.allow_private)
    quiet = read_quiet(args.quiet) if args.quiet else None
    with open_database(args) as database:
        n = TargetTable(database).add(
            address,
            organisation=args.organisation,
            store=args.store,
            language=args.language,
            quiet=quiet,
            private=args.allow_private,
        )
    say(f"{n}: {shown(address)} is told; try it with 'metrica-admin alert test {n}'")
    return 0


def list_targets(args: argparse.Namespace) -> int:
    """List the targets."""
    with open_database(args) as database:
        for target in TargetTable(database).all():
            say("\t".join((str(target.n), shown(target.address), target.language, _whose(target), _quiet(target))))
    return 0


def list_alerts(args: argparse.Namespace) -> int:
    """List the alerts that are on."""
    with open_database(args) as database:
        zones = {store.id: store.timezone for store in database.stores.all()}
        for alert in NoticeTable(database).on().values():
            words = in_words(alert, over=False, language="en", timezone=zones.get(alert.store, "UTC"))
            say(f"{alert.store or 'server'}\t{alert.kind}\t{words.sentence}")
    return 0


def test_target(args: argparse.Namespace) -> int:
    """Send a test."""
    with open_database(args) as database:
        target = _require(TargetTable(database), args.number)
    send(target.address, Message(trial_wording(target.language)), target.private)
    say(f"{shown(target.address)} has taken the test")
    return 0


def remove_target(args: argparse.Namespace) -> int:
    """Remove a target."""
    with open_database(args) as database:
        targets = TargetTable(database)
        targets.remove(_require(targets, args.number).n)
    say(f"removed {args.number}")
    return 0


def _require(targets: TargetTable, n: int) -> Target:
    target = targets.get(n)
    if target is None:
        raise DatabaseError(f"nobody with the number {n} is told of alerts: see 'metrica-admin alert list'")
    return target


def _whose(target: Target) -> str:
    if target.store is not None:
        return f"store {target.store}"
    return f"organisation {target.organisation}" if target.organisation else "all stores and the server"


def _quiet(target: Target) -> str:
    if target.quiet is None:
        return ""
    begin, end = (f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in target.quiet)
    return f"quiet {begin}-{end}"
