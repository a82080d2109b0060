"""`metrica-admin token`: what the boxes show to speak for a store, and programs to speak for a user."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from metrica.dashboard.admin import personal
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
from metrica.dashboard.store.tokens import Token
from metrica.dashboard.upkeep.erasure import Erasure


def add_commands(commands: Subparsers) -> None:
    """Add `token` and its actions."""
    token = add_group(commands, "token", "add, list, rotate, revoke or remove tokens")
    add = add_command(
        token,
        "add",
        add_token,
        "make a token for a store and print it, this once",
        "metrica-admin token add tunis-01 --label 'box at the door'",
    )
    add_store_argument(add)
    add.add_argument("--label", default="", help="which box it is for")
    listed = add_command(
        token, "list", list_tokens, "list a store's tokens by their keys", "metrica-admin token list tunis-01"
    )
    add_store_argument(listed)
    for action, work, help_text in (
        ("rotate", rotate_token, "revoke a token and print a new one with its label, this once"),
        ("revoke", revoke_token, "revoke a token, with effect from the next request"),
        ("remove", remove_token, "remove a revoked token from the list; it never becomes valid again"),
    ):
        one = add_command(token, action, work, help_text, f"metrica-admin token {action} tunis-01 4f2ac7d01b93")
        add_store_argument(one)
        one.add_argument("key", metavar="KEY", help="the token's key, or its first 6 digits, as 'token list' shows it")
    personal.add_actions(token)


def add_token(args: argparse.Namespace) -> int:
    """Make a token and print it."""
    with open_database(args) as database:
        require_store(database, args.store)
        say(database.tokens.create(args.store, args.label))
    return 0


def list_tokens(args: argparse.Namespace) -> int:
    """List the tokens of a store."""
    with open_database(args) as database:
        require_store(database, args.store)
        for token in database.tokens.of_store(args.store):
            made = datetime.fromtimestamp(token.created / 1e9, UTC)
            say(f"{token.key}\t{made:%Y-%m-%d}\t{'valid' if token.revoked is None else 'revoked'}\t{token.label}")
    return 0


def rotate_token(args: argparse.Namespace) -> int:
    """Revoke a token and print a new one."""
    with open_database(args) as database:
        old = _find(database, args)
        if old.revoked is not None:
            raise DatabaseError(f"the token {old.key} is revoked: make a new one with 'metrica-admin token add'")
        say(database.tokens.create(args.store, old.label))
        database.tokens.revoke(args.store, old.key)
    return 0


def revoke_token(args: argparse.Namespace) -> int:
    """Revoke a token."""
    with open_database(args) as database:
        database.tokens.revoke(args.store, _find(database, args).key)
    say(f"revoked {args.key}")
    return 0


def remove_token(args: argparse.Namespace) -> int:
    """Remove a revoked token from the list."""
    with open_database(args) as database:
        token = _find(database, args)
        if token.revoked is None:
            raise DatabaseError(f"the token {token.key} is valid: revoke it first")
        Erasure(database).remove_token(args.store, token.key)
    say(f"removed {token.key}")
    return 0


def _find(database: Database, args: argparse.Namespace) -> Token:
    """Return the one token that the arguments name. Raises DatabaseError."""
    require_store(database, args.store)
    found = [token for token in database.tokens.of_store(args.store) if token.key.startswith(args.key[:12].lower())]
    if len(args.key) < 6 or len(found) != 1:
        raise DatabaseError(f"no token of {args.store!r} has the key {args.key!r}: see 'metrica-admin token list'")
    return found[0]
