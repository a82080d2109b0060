"""`metrica-admin webhook`: to whom crossings, or the counts of each quarter of an hour, are posted."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime

from metrica.dashboard.admin.shared.commands import (
    Subparsers,
    add_command,
    add_group,
    add_store_argument,
    open_database,
    require_store,
)
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.service.serving import say
from metrica.dashboard.store.database import Database
from metrica.dashboard.webhooks.guard import shown
from metrica.dashboard.webhooks.messages import test_message
from metrica.dashboard.webhooks.sender import Outcome, post, session
from metrica.dashboard.webhooks.table import Webhook, Webhooks


def add_commands(commands: Subparsers) -> None:
    """Add `webhook` and its actions."""
    group = add_group(commands, "webhook", "add, list, test, resume or remove webhooks")
    add = add_command(
        group,
        "add",
        add_webhook,
        "post to an address what happens in a store; print the webhook's number and, this once, its secret",
        "metrica-admin webhook add tunis-01 https://example.com/footfall --kind quarter",
    )
    add_store_argument(add)
    add.add_argument("url", metavar="URL", help="where to, https://…")
    add.add_argument(
        "--kind",
        choices=("event", "quarter"),
        default="quarter",
        help="each crossing, or the counts of each quarter of an hour (default: %(default)s)",
    )
    add.add_argument(
        "--allow-private", action="store_true", help="allow an address of this network or machine, and plain HTTP"
    )
    listed = add_command(
        group, "list", list_webhooks, "list a store's webhooks and how they are", "metrica-admin webhook list tunis-01"
    )
    add_store_argument(listed)
    for action, work, help_text in (
        ("test", try_webhook, "post a message of the type 'test', and print what became of it"),
        ("resume", resume_webhook, "post to a webhook again that was paused"),
        ("remove", remove_webhook, "remove a webhook"),
    ):
        one = add_command(group, action, work, help_text, f"metrica-admin webhook {action} tunis-01 3")
        add_store_argument(one)
        one.add_argument("number", type=int, metavar="NUMBER", help="the webhook's number, as 'webhook list' shows it")
        if action == "resume":
            one.add_argument("--from-now", action="store_true", help="leave out what has happened meanwhile")


def add_webhook(args: argparse.Namespace) -> int:
    """Register a webhook."""
    with open_database(args) as database:
        require_store(database, args.store)
        made = Webhooks(database).add(args.store, args.url, args.kind, allow_private=args.allow_private)
        say(f"{made.n}\t{made.secret}")
    return 0


def list_webhooks(args: argparse.Namespace) -> int:
    """List the webhooks of a store: number, kind, address without its path, state, how many were delivered, trouble."""
    with open_database(args) as database:
        require_store(database, args.store)
        for hook in Webhooks(database).of_store(args.store):
            last = "-" if hook.last_success is None else _minute(hook.last_success)
            say(f"{hook.n}\t{hook.kind}\t{shown(hook.url)}\t{hook.state}\t{hook.delivered}\t{last}\t{hook.trouble}")
    return 0


def try_webhook(args: argparse.Namespace) -> int:
    """Post a test message now. Returns 1 if it was not taken."""
    with open_database(args) as database:
        outcome = asyncio.run(_post(_find(database, args), database.clock()))
    say(f"not delivered: {outcome.trouble}" if outcome.trouble else f"delivered: it answered {outcome.status}")
    return 1 if outcome.trouble else 0


def resume_webhook(args: argparse.Namespace) -> int:
    """Post to a webhook again."""
    with open_database(args) as database:
        Webhooks(database).resume(args.store, _find(database, args).n, from_now=args.from_now)
    say(f"resumed {args.number}")
    return 0


def remove_webhook(args: argparse.Namespace) -> int:
    """Remove a webhook."""
    with open_database(args) as database:
        Webhooks(database).remove(args.store, _find(database, args).n)
    say(f"removed {args.number}")
    return 0


def _minute(time: int) -> str:
    return f"{datetime.fromtimestamp(time // 10**9, UTC):%Y-%m-%dT%H:%MZ}"


async def _post(hook: Webhook, now: int) -> Outcome:
    async with session(bool(hook.allow_private)) as client:
        return await post(client, hook, test_message(hook, now))


def _find(database: Database, args: argparse.Namespace) -> Webhook:
    """Return the webhook that the arguments name. Raises DatabaseError."""
    require_store(database, args.store)
    found = Webhooks(database).get(args.store, args.number)
    if found is None:
        raise DatabaseError(f"{args.store!r} has no webhook {args.number}: see 'metrica-admin webhook list'")
    return found
