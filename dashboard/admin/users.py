"""`metrica-admin user`: the people who may log in to the pages, and where they are logged in."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import UTC, datetime

from metrica.dashboard.admin.commands import Subparsers, Work, add_command, add_group, open_database
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.service.passwords import hashed
from metrica.dashboard.service.serving import say
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.users import User

_ACTIONS: tuple[tuple[str, str], ...] = (
    ("add", "add a user; asks for the password, or reads it from standard input"),
    ("passwd", "change a user's password, and end the user's sessions"),
    ("remove", "remove a user, and end the user's sessions"),
    ("sessions", "list where a user is logged in"),
    ("logout", "end the sessions of a user, who has to log in again everywhere"),
)


def add_commands(commands: Subparsers) -> None:
    """Add `user` and its actions."""
    works: dict[str, Work] = {
        "add": add_user,
        "passwd": change_password,
        "remove": remove_user,
        "sessions": list_sessions,
        "logout": end_sessions,
    }
    user = add_group(commands, "user", "add, list or remove users, change passwords, end sessions")
    for action, help_text in _ACTIONS:
        one = add_command(user, action, works[action], help_text, f"metrica-admin user {action} amel")
        one.add_argument("name", metavar="NAME", help="the user's name, as at the login")
    add_command(user, "list", list_users, "list the users", "metrica-admin user list")


def add_user(args: argparse.Namespace) -> int:
    """Add a user."""
    with open_database(args, make=True) as database:
        if database.users.get(args.name) is not None:
            raise ValueError(f"there is a user {args.name!r} already: 'user passwd {args.name}' changes the password")
        if not args.name.strip() or len(args.name) > 100 or not args.name.isprintable():
            raise ValueError(f"{args.name!r} cannot be a user's name")
        database.users.put(User(args.name, hashed(_ask_password()), ADMIN))
    say(f"{args.name} can log in")
    return 0


def change_password(args: argparse.Namespace) -> int:
    """Change a user's password."""
    with open_database(args) as database:
        _require(database, args.name)
        database.users.put(User(args.name, hashed(_ask_password()), ADMIN))
    say(f"{args.name} has a new password")
    return 0


def list_users(args: argparse.Namespace) -> int:
    """List the users."""
    with open_database(args) as database:
        for user in database.users.all():
            say(user.name)
    return 0


def remove_user(args: argparse.Namespace) -> int:
    """Remove a user."""
    with open_database(args) as database:
        _require(database, args.name)
        database.users.remove(args.name)
        last = not database.users.all()
    say(f"removed {args.name}")
    if last:
        say("nobody can log in now: the next start of the dashboard makes the owner, with a new password")
    return 0


def list_sessions(args: argparse.Namespace) -> int:
    """List the sessions of a user."""
    with open_database(args) as database:
        _require(database, args.name)
        for session in database.sessions.of_user(args.name):
            began, seen = (_minute(time) for time in (session.created, session.seen))
            say(f"{session.key}\tsince {began}\tlast used {seen}\tfrom {session.address or 'this machine'}")
    return 0


def end_sessions(args: argparse.Namespace) -> int:
    """End the sessions of a user."""
    with open_database(args) as database:
        _require(database, args.name)
        ended = database.sessions.end_all(args.name)
    say(f"{args.name} is logged out ({ended} session{'s' * (ended != 1)} ended)")
    return 0


def _require(database: Database, name: str) -> None:
    if database.users.get(name) is None:
        names = ", ".join(user.name for user in database.users.all()) or "none yet"
        raise DatabaseError(f"there is no user {name!r} (users: {names}): 'user add {name}' adds one")


def _minute(time: int) -> str:
    return f"{datetime.fromtimestamp(time // 10**9, UTC):%Y-%m-%dT%H:%MZ}"


def _ask_password() -> str:
    """Ask for the new password: twice at a terminal, or one line from a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("new password: ")
    if getpass.getpass("once more: ") != password:
        raise ValueError("the two passwords differ: nothing was changed")
    return password
