"""`metrica-ingest`: serve the ingest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from metrica.dashboard.admin.aliases import moved
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.service.commands import DATABASE_FILE, add_address_options, add_data_option, run
from metrica.dashboard.service.serving import AioServer, say
from metrica.dashboard.service.signals import interruptible
from metrica.dashboard.store.database import Database
from metrica.version import __version__

_MOVED = ("store", "token")  # what is part of metrica-admin now


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0, or 1 for an error; wrong usage exits with 2."""
    given = list(sys.argv[1:] if argv is None else argv)
    return moved("metrica-ingest", given) if given[:1] and given[0] in _MOVED else run(_parser(), given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="metrica-ingest", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="take events and answer KPIs over HTTP (the default)")
    add_address_options(serve, 8080)
    _add_common(serve, _serve)

    for name in _MOVED:
        commands.add_parser(name, help=f"the old name of 'metrica-admin {name}'")
    return parser


def _add_common(parser: argparse.ArgumentParser, work: object) -> None:
    add_data_option(parser)
    parser.set_defaults(work=work)


def _serve(args: argparse.Namespace) -> int:
    with interruptible() as wait, _open(args) as database:
        server = AioServer(create_app(database), args.host, args.port)
        try:
            if not database.stores.all():
                say("no store yet: add one with 'metrica-admin store add STORE --timezone ZONE'")
            say(f"listening on {server.address}")
            wait()
        finally:
            server.stop()
    return 0


def _open(args: argparse.Namespace) -> Database:
    return Database(args.data / DATABASE_FILE)
