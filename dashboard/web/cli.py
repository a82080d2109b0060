"""`metrica-dashboard`: serve the pages, and manage the users who may see them."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence

from metrica.dashboard.service.commands import DATABASE_FILE, add_address_options, add_data_option, run
from metrica.dashboard.service.secret_file import read_or_create
from metrica.dashboard.service.serving import WsgiServer, say
from metrica.dashboard.service.signals import interruptible
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.users import User
from metrica.dashboard.web.passwords import OWNER, ensure_owner, hashed, unused
from metrica.dashboard.web.prefix import checked_prefix
from metrica.version import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0, or 1 for an error; wrong usage exits with 2."""
    return run(_parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metrica-dashboard",
        description=__doc__,
        epilog=f"METRICA_PASSWORD, if set, becomes the password of the user '{OWNER}' when serving.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve the pages (the default)")
    add_address_options(serve, 8050)
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

    user = commands.add_parser("user", help="add users, change passwords").add_subparsers(
        required=True, metavar="ACTION"
    )
    for action, help_text in (("add", "add a user"), ("passwd", "change a user's password; ends the user's sessions")):
        command = user.add_parser(action, help=help_text)
        command.add_argument("name", metavar="NAME")
        _add_common(command, _user_add if action == "add" else _user_passwd)
    _add_common(user.add_parser("list", help="list the users"), _user_list)
    return parser


def _prefix(text: str) -> str:
    try:
        return checked_prefix(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_common(parser: argparse.ArgumentParser, work: object) -> None:
    add_data_option(parser)
    parser.set_defaults(work=work)


def _serve(args: argparse.Namespace) -> int:
    # Dash takes a second to import, and the other subcommands do not need it.
    from metrica.dashboard.web.app import SESSION_KEY, WebSettings, create_web

    with interruptible() as wait, Database(args.data / DATABASE_FILE) as database:
        key = read_or_create(args.data / SESSION_KEY)
        app = create_web(database, WebSettings(secret_key=key, https=args.behind_proxy, prefix=args.prefix))
        server = WsgiServer(app, args.host, args.port, behind_proxy=args.behind_proxy)
        try:
            given = os.environ.get("METRICA_PASSWORD", "")
            not_used = unused(database, given) if given else ""
            made = ensure_owner(database, given, "METRICA_PASSWORD")
            if not_used:
                say(f"METRICA_PASSWORD: {not_used}")
            if made is not None:
                say(f"first start: log in as '{OWNER}' with the password {made} (shown only now)")
            say(f"listening on {server.address}{args.prefix}")
            wait()
        finally:
            server.stop()
    return 0


def _user_add(args: argparse.Namespace) -> int:
    with Database(args.data / DATABASE_FILE) as database:
        if database.users.get(args.name) is not None:
            raise ValueError(f"there is a user {args.name!r} already: 'user passwd {args.name}' changes the password")
        if not args.name or len(args.name) > 100 or not args.name.isprintable():
            raise ValueError(f"{args.name!r} cannot be a user's name")
        database.users.put(User(args.name, hashed(_ask_password()), ADMIN))
    say(f"{args.name} can log in")
    return 0


def _user_passwd(args: argparse.Namespace) -> int:
    with Database(args.data / DATABASE_FILE) as database:
        if database.users.get(args.name) is None:
            names = ", ".join(user.name for user in database.users.all()) or "none yet"
            raise ValueError(f"there is no user {args.name!r} (users: {names}): 'user add {args.name}' adds one")
        database.users.put(User(args.name, hashed(_ask_password()), ADMIN))
    say(f"{args.name} has a new password")
    return 0


def _user_list(args: argparse.Namespace) -> int:
    with Database(args.data / DATABASE_FILE) as database:
        for user in database.users.all():
            say(user.name)
    return 0


def _ask_password() -> str:
    """Ask for the new password: twice at a terminal, or one line from a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("new password: ")
    if getpass.getpass("once more: ") != password:
        raise ValueError("the two passwords differ: nothing was changed")
    return password
