"""`metrica-ingest`: serve the ingest, and manage the stores and their tokens."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import DEFAULT_CUTOFF_HOUR
from metrica.dashboard.service.commands import DATABASE_FILE, add_address_options, add_data_option, run
from metrica.dashboard.service.serving import AioServer, say
from metrica.dashboard.service.signals import interruptible
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.errors import DatabaseError
from metrica.version import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0, or 1 for an error; wrong usage exits with 2."""
    return run(_parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="metrica-ingest", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="take events and answer KPIs over HTTP (the default)")
    add_address_options(serve, 8080)
    _add_common(serve, _serve)

    store = commands.add_parser("store", help="add or list stores").add_subparsers(required=True, metavar="ACTION")
    store_add = store.add_parser("add", help="add a store, or change its settings")
    store_add.add_argument("store", metavar="STORE")
    store_add.add_argument("--timezone", required=True, help="IANA name, such as Africa/Tunis")
    store_add.add_argument(
        "--cutoff",
        type=int,
        metavar="HOUR",
        help=f"local hour at which its business day begins (default: {DEFAULT_CUTOFF_HOUR})",
    )
    store_add.add_argument(
        "--empty", type=int, metavar="HOUR", help="local hour, some time after closing, at which nobody is ever inside"
    )
    store_add.add_argument(
        "--recall", type=float, metavar="SHARE", help="the share of the crossings that is counted, from metrica-eval"
    )
    store_add.add_argument(
        "--precision", type=float, metavar="SHARE", help="the share of what is counted that is true, from metrica-eval"
    )
    _add_common(store_add, _store_add)
    _add_common(store.add_parser("list", help="list the stores"), _store_list)

    token = commands.add_parser("token", help="add, list or revoke tokens").add_subparsers(
        required=True, metavar="ACTION"
    )
    token_add = token.add_parser("add", help="make a token for a store and print it, this once")
    token_add.add_argument("store", metavar="STORE")
    token_add.add_argument("--label", default="", help="which box it is for")
    _add_common(token_add, _token_add)
    token_list = token.add_parser("list", help="list a store's tokens by their keys")
    token_list.add_argument("store", metavar="STORE")
    _add_common(token_list, _token_list)
    token_revoke = token.add_parser("revoke", help="revoke one of a store's tokens")
    token_revoke.add_argument("store", metavar="STORE")
    token_revoke.add_argument("key", metavar="KEY", help="the token's key, as 'token list' shows it")
    _add_common(token_revoke, _token_revoke)
    return parser


def _add_common(parser: argparse.ArgumentParser, work: object) -> None:
    add_data_option(parser)
    parser.set_defaults(work=work)


def _serve(args: argparse.Namespace) -> int:
    with interruptible() as wait, _open(args) as database:
        server = AioServer(create_app(database), args.host, args.port)
        try:
            if not database.stores.all():
                say("no store yet: add one with 'metrica-ingest store add STORE --timezone ZONE'")
            say(f"listening on {server.address}")
            wait()
        finally:
            server.stop()
    return 0


def _store_add(args: argparse.Namespace) -> int:
    options = {
        "timezone": args.timezone,
        "cutoff_hour": args.cutoff,
        "empty_hour": args.empty,
        "recall": args.recall,
        "precision": args.precision,
    }
    given = {name: value for name, value in options.items() if value is not None}
    with _open(args) as database:
        store = database.stores.say(args.store, given)
    say(f"{store.id}: {store.timezone}, the day begins at {store.cutoff_hour:02}:00")
    return 0


def _store_list(args: argparse.Namespace) -> int:
    with _open(args) as database:
        for store in database.stores.all():
            say(f"{store.id}\t{store.timezone}\t{store.cutoff_hour:02}:00")
    return 0


def _token_add(args: argparse.Namespace) -> int:
    with _open(args) as database:
        _require_store(database, args.store)
        say(database.tokens.create(args.store, args.label))
    return 0


def _token_list(args: argparse.Namespace) -> int:
    with _open(args) as database:
        _require_store(database, args.store)
        for token in database.tokens.of_store(args.store):
            made = datetime.fromtimestamp(token.created / 1e9, UTC)
            say(f"{token.key}\t{made:%Y-%m-%d}\t{'valid' if token.revoked is None else 'revoked'}\t{token.label}")
    return 0


def _token_revoke(args: argparse.Namespace) -> int:
    with _open(args) as database:
        _require_store(database, args.store)
        if not database.tokens.revoke(args.store, args.key):
            raise DatabaseError(f"no token of {args.store!r} has the key {args.key!r}: see 'metrica-ingest token list'")
    say(f"revoked {args.key}")
    return 0


def _require_store(database: Database, name: str) -> None:
    if database.stores.get(name) is None:
        raise DatabaseError(
            f"there is no store {name!r}: add it with 'metrica-ingest store add {name} --timezone ZONE'"
        )


def _open(args: argparse.Namespace) -> Database:
    return Database(args.data / DATABASE_FILE)
