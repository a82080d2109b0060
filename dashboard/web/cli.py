"""`metrica-dashboard`: serve the pages, and look after the people who may see them."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence

from metrica.dashboard.service.commands import DATABASE_FILE, add_address_options, add_data_option, run
from metrica.dashboard.service.secret_file import read_or_create
from metrica.dashboard.service.serving import WsgiServer, interruptible, say
from metrica.dashboard.store.database import Database, User
from metrica.dashboard.web.passwords import OWNER, ensure_owner, hashed
from metrica.version import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """The command's exit status: 0, 1 for an error, 2 for wrong usage."""
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
    _finish(serve, _serve)

    user = commands.add_parser("user", help="add users, change passwords").add_subparsers(
        required=True, metavar="ACTION"
    )
    for action, help_text in (("add", "add a user"), ("passwd", "change a user's password; ends the user's sessions")):
        command = user.add_parser(action, help=help_text)
        command.add_argument("name", metavar="NAME")
        _finish(command, _user_add if action == "add" else _user_passwd)
    _finish(user.add_parser("list", help="list the users"), _user_list)
    return parser


def _finish(parser: argparse.ArgumentParser, work: object) -> None:
    add_data_option(parser)
    parser.set_defaults(work=work)


def _serve(args: argparse.Namespace) -> int:
    # Dash takes a second to import, which adding a user can do without.
    from metrica.dashboard.web.app import SESSION_KEY, WebSettings, create_web

    with interruptible() as wait, Database(args.data / DATABASE_FILE) as database:
        key = read_or_create(args.data / SESSION_KEY)
        app = create_web(database, WebSettings(secret_key=key, https=args.behind_proxy))
        server = WsgiServer(app, args.host, args.port, behind_proxy=args.behind_proxy)
        try:
            made = ensure_owner(database, os.environ.get("METRICA_PASSWORD", ""))
            if made is not None:
                say(f"first start: log in as '{OWNER}' with the password {made} (shown only now)")
            say(f"listening on {server.address}")
            wait()
        finally:
            server.stop()
    return 0


def _user_add(args: argparse.Namespace) -> int:
    with Database(args.data / DATABASE_FILE) as database:
        if database.user(args.name) is not None:
            raise ValueError(f"there is a user {args.name!r} already: 'user passwd {args.name}' changes the password")
        if not args.name or len(args.name) > 100 or not args.name.isprintable():
            raise ValueError(f"{args.name!r} cannot be a user's name")
        database.put_user(User(args.name, hashed(_ask())))
    say(f"{args.name} can log in")
    return 0


def _user_passwd(args: argparse.Namespace) -> int:
    with Database(args.data / DATABASE_FILE) as database:
        if database.user(args.name) is None:
            known = ", ".join(user.name for user in database.users()) or "none yet"
            raise ValueError(f"there is no user {args.name!r} (users: {known}): 'user add {args.name}' adds one")
        database.put_user(User(args.name, hashed(_ask())))
    say(f"{args.name} has a new password")
    return 0


def _user_list(args: argparse.Namespace) -> int:
    with Database(args.data / DATABASE_FILE) as database:
        for user in database.users():
            say(user.name)
    return 0


def _ask() -> str:
    """The new password: typed twice at a terminal, or one line from a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("new password: ")
    if getpass.getpass("once more: ") != password:
        raise ValueError("the two passwords differ: nothing was changed")
    return password
