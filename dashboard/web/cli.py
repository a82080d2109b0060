"""`metrica-dashboard`: serve the pages."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from metrica.dashboard.admin.aliases import moved
from metrica.dashboard.database.errors import DatabaseError
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
from metrica.dashboard.service.secret_file import read_or_create
from metrica.dashboard.service.serving import WsgiServer, say
from metrica.dashboard.service.signals import interruptible
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.first_password import FIRST_PASSWORD, first_password
from metrica.dashboard.web.passwords import OWNER, ensure_owner, generate
from metrica.dashboard.web.prefix import checked_prefix
from metrica.secrets import register
from metrica.version import __version__

_ENDED = "the server, or the thread that writes to its database, has ended: start this program again"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0, or 1 for an error; wrong usage exits with 2."""
    given = list(sys.argv[1:] if argv is None else argv)
    return moved("metrica-dashboard", given) if given[:1] == ["user"] else run(_parser(), given)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="metrica-dashboard",
        description=__doc__,
        epilog=f"METRICA_PASSWORD, if set, becomes the password of the user '{OWNER}' when serving.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve the pages (the default)")
    add_address_options(serve, 8050)
    add_tls_options(serve)
    serve.add_argument(
        "--behind-proxy",
        action="store_true",
        help="a reverse proxy on this machine gives HTTPS: trust its X-Forwarded headers, cookies over HTTPS only",
    )
    serve.add_argument(
        "--prefix",
        type=_prefix,
        default="",
        metavar="PATH",
        help="path under which a reverse proxy shows the pages, such as /footfall; with --behind-proxy the proxy may "
        "say it instead, in X-Forwarded-Prefix",
    )
    _add_common(serve, _serve)

    commands.add_parser("user", help="the old name of 'metrica-admin user'")
    return parser


def _prefix(text: str) -> str:
    try:
        return checked_prefix(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_common(parser: argparse.ArgumentParser, work: object) -> None:
    add_data_option(parser)
    add_database_option(parser)
    parser.set_defaults(work=work)


def _serve(args: argparse.Namespace) -> int:
    # Dash takes a second to import, and the other subcommands do not need it.
    from metrica.dashboard.web.app import SESSION_KEY, WebSettings, create_web

    with interruptible() as wait, Database(database_place(args)) as database:
        key = read_or_create(args.data / SESSION_KEY)
        pair = certificate(args)
        https = args.behind_proxy or pair is not None
        app = create_web(database, WebSettings(secret_key=key, https=https, prefix=args.prefix))
        server = WsgiServer(app, args.host, args.port, certificate=pair, behind_proxy=args.behind_proxy)
        try:
            given = os.environ.get("METRICA_PASSWORD", "")
            register(given)
            made = "" if given or database.users.all() else generate()
            password = first_password(args.data, database, made)
            origin = "METRICA_PASSWORD" if given else ""
            if (given or made) and (not_used := ensure_owner(database, given or made, origin)):
                say(f"METRICA_PASSWORD: {not_used}")
            if password and sys.stdout.isatty():  # anywhere else it would be kept in a log
                say(f"log in as '{OWNER}' with the password {password}")
            elif password:
                say(f"log in as '{OWNER}' with the password in {args.data / FIRST_PASSWORD}")
            say(f"listening on {server.address}{args.prefix}")
            # Whoever started the program starts it again; one that can do nothing any more would hide that.
            if why := wait(lambda: "" if server.alive and database.writing else _ENDED):
                raise DatabaseError(why)
        finally:
            server.stop()
    return 0
