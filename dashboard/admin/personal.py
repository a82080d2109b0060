"""`metrica-admin token personal`, `of-user` and `end`: the users' own tokens, for programs."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from metrica.dashboard.admin.shared.commands import Subparsers, add_command, open_database
from metrica.dashboard.people.api_tokens import DAYS, MOST_DAYS, ApiTokenTable
from metrica.dashboard.people.rights import Right, scope_of
from metrica.dashboard.service.serving import say


def add_actions(token: Subparsers) -> None:
    """Add the actions to `token`."""
    made = add_command(
        token,
        "personal",
        make_token,
        "make a token of a user's own for a program, and print it, this once",
        "metrica-admin token personal amel --scope figures:read --days 30 --label spreadsheet",
    )
    made.add_argument(
        "--scope",
        action="append",
        required=True,
        help=f"what the program may do, as far as the user may: one of {', '.join(Right)}; again for more",
    )
    made.add_argument(
        "--days", type=int, default=DAYS, metavar="N", help=f"for how long, {MOST_DAYS} at most (default: {DAYS})"
    )
    made.add_argument("--label", default="", help="which program it is for")
    listed = add_command(
        token, "of-user", list_tokens, "list a user's own tokens by their keys", "metrica-admin token of-user amel"
    )
    ended = add_command(
        token,
        "end",
        end_token,
        "revoke a user's own token, and those that were made with it",
        "metrica-admin token end amel 4f2ac7d01b93",
    )
    for one in (made, listed, ended):
        one.add_argument("name", metavar="NAME", help="the user's name, as at the login")
    ended.add_argument("key", metavar="KEY", help="the token's key, or its first 6 digits, as 'token of-user' shows it")


def make_token(args: argparse.Namespace) -> int:
    """Make a token and print it."""
    scopes = [scope_of(scope) for scope in args.scope]
    with open_database(args) as database:
        token, _ = ApiTokenTable(database).create(args.name, scopes, label=args.label, days=args.days)
    say(token)
    return 0


def list_tokens(args: argparse.Namespace) -> int:
    """List the tokens of a user."""
    with open_database(args) as database:
        now = database.clock()
        for token in ApiTokenTable(database).of_user(args.name):
            state = "valid" if token.is_valid(now) else "ended" if token.revoked is None else "revoked"
            until = f"{datetime.fromtimestamp(token.expires // 10**9, UTC):%Y-%m-%d}"
            say(f"{token.key}\tuntil {until}\t{state}\t{' '.join(token.scopes)}\t{token.label}")
    return 0


def end_token(args: argparse.Namespace) -> int:
    """Revoke a token."""
    with open_database(args) as database:
        token = ApiTokenTable(database).revoke([args.name], args.key)
    say(f"revoked {token.key}")
    return 0
