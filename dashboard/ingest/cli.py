"""`metrica-ingest`: serve the ingest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from metrica.dashboard.admin.aliases import moved
from metrica.dashboard.alerts.endings import endings_of
from metrica.dashboard.alerts.keeper import Keeper
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.ingest.access import metrics_access
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.service.commands import (
    Parser,
    add_address_options,
    add_data_option,
    add_database_option,
    add_tls_options,
    certificate,
    database_place,
    run,
)
from metrica.dashboard.service.serving import AioServer, say
from metrica.dashboard.service.signals import interruptible
from metrica.dashboard.store.database import Database
from metrica.version import __version__

_MOVED = ("store", "token")  # what is part of metrica-admin now

_ENDED = "the server, or the thread that writes to its database, has ended: start this program again"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0, or 1 for an error; wrong usage exits with 2."""
    given = list(sys.argv[1:] if argv is None else argv)
    return moved("metrica-ingest", given) if given[:1] and given[0] in _MOVED else run(_parser(), given)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="metrica-ingest", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="take events and answer KPIs over HTTP (the default)")
    add_address_options(serve, 8080)
    add_tls_options(serve)
    serve.add_argument(
        "--behind-proxy",
        action="store_true",
        help="a reverse proxy on this machine gives HTTPS: believe its X-Forwarded-For, for the limits of one address",
    )
    serve.add_argument(
        "--metrics-token-file",
        type=Path,
        metavar="FILE",
        help="file with the token for /metrics, made if missing; without it nobody reads them",
    )
    serve.add_argument(
        "--metrics-open",
        action="store_true",
        help="programs on this machine need no token for /metrics: only where no proxy is in front of this port",
    )
    _add_common(serve, _serve)

    for name in _MOVED:
        commands.add_parser(name, help=f"the old name of 'metrica-admin {name}'")
    return parser


def _add_common(parser: argparse.ArgumentParser, work: object) -> None:
    add_data_option(parser)
    add_database_option(parser)
    parser.set_defaults(work=work)


def _serve(args: argparse.Namespace) -> int:
    with interruptible() as wait, Database(database_place(args)) as database:
        access = metrics_access(
            args.host,
            token_file=args.metrics_token_file,
            is_open=args.metrics_open,
            behind_proxy=args.behind_proxy,
        )
        served = certificate(args)
        server = AioServer(
            create_app(database, access),
            args.host,
            args.port,
            certificate=served,
            behind_proxy=args.behind_proxy,
        )
        keeper = Keeper(database, endings=endings_of(database, served))
        try:
            keeper.start()
            if not database.stores.all():
                say("no store yet: add one with 'metrica-admin store add STORE --timezone ZONE'")
            say(f"listening on {server.address}")
            # Whoever started the program starts it again; one that can do nothing any more would hide that.
            if why := wait(lambda: "" if server.alive and database.writing else _ENDED):
                raise DatabaseError(why)
        finally:
            keeper.stop()
            server.stop()
    return 0
