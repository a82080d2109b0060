"""`metrica-admin user`: the people who may log in to the pages, and where they are logged in."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import UTC, datetime

from metrica.dashboard.admin.shared.commands import Subparsers, Work, add_command, add_group, open_database
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.people.members import Member, MemberTable, checked_name
from metrica.dashboard.people.organisations import MAIN, OrganisationTable
from metrica.dashboard.people.rights import MEMBER_ROLES, Role, role_of
from metrica.dashboard.service.passwords import hashed
from metrica.dashboard.service.serving import say
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.users import User

_ACTIONS: tuple[tuple[str, str], ...] = (
    ("add", "add a user; asks for the password, or reads it from standard input"),
    ("role", "change what a user may do, and with which stores, at once"),
    ("passwd", "change a user's password, and end the user's sessions"),
    ("remove", "remove a user, and end the user's sessions"),
    ("sessions", "list where a user is logged in"),
    ("logout", "end the sessions of a user, who has to log in again everywhere"),
)


def add_commands(commands: Subparsers) -> None:
    """Add `user` and its actions."""
    works: dict[str, Work] = {
        "add": add_user,
        "role": change_role,
        "passwd": change_password,
        "remove": remove_user,
        "sessions": list_sessions,
        "logout": end_sessions,
    }
    user = add_group(commands, "user", "add, list or remove users, change passwords, end sessions")
    for action, help_text in _ACTIONS:
        more = " --role viewer --store tunis-01" if action == "role" else ""
        one = add_command(user, action, works[action], help_text, f"metrica-admin user {action} amel{more}")
        one.add_argument("name", metavar="NAME", help="the user's name, as at the login")
        if action in ("add", "role"):
            _add_role(one, is_new=action == "add")
    add_command(user, "list", list_users, "list the users", "metrica-admin user list")


def add_user(args: argparse.Namespace) -> int:
    """Add a user."""
    with open_database(args, make=True) as database:
        if database.users.get(args.name) is not None:
            raise ValueError(f"there is a user {args.name!r} already: 'user passwd {args.name}' changes the password")
        checked_name(args.name, args.organisation)
        role, stores = _role(args)
        if OrganisationTable(database).get(args.organisation) is None:
            raise UnknownError(f"there is no organisation {args.organisation!r}: see 'metrica-admin organisation list'")
        MemberTable(database).add(args.organisation, args.name, hashed(_ask_password()), role, stores)
    say(f"{args.name} can log in")
    return 0


def change_role(args: argparse.Namespace) -> int:
    """Change a user's role and stores."""
    with open_database(args) as database:
        _require(database, args.name)
        organisation = database.rows("SELECT organisation FROM users WHERE name = ?", args.name)[0][0]
        member = MemberTable(database).change(organisation, args.name, *_role(args))
    say(f"{args.name} is now {_described(member)}".replace("\t", " of "))
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
        members = [m for one in OrganisationTable(database).all() for m in MemberTable(database).all(one.id)]
    plain = all((member.organisation, member.role) == (MAIN, Role.OWNER) for member in members)
    for member in sorted(members, key=lambda member: member.name):
        say(member.name if plain else f"{member.name}\t{_described(member)}\t{member.organisation}")
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


def _add_role(parser: argparse.ArgumentParser, *, is_new: bool) -> None:
    default = " (default: owner)" if is_new else ""
    parser.add_argument("--role", required=not is_new, help=f"{', '.join(MEMBER_ROLES)}{default}")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--store", action="append", help="one of the user's stores; again for more")
    which.add_argument("--all-stores", action="store_true", help="all stores of the organisation, also those to come")
    if is_new:
        parser.add_argument(
            "--organisation", default=MAIN, metavar="ID", help="whose user it is (default: the first one's)"
        )


def _role(args: argparse.Namespace) -> tuple[Role, list[str] | None]:
    """Return the role and the stores that the arguments give. Raises ValueError."""
    role = role_of(args.role or Role.OWNER)
    if role is not Role.OWNER and args.store is None and not args.all_stores:
        raise ValueError(f"which stores does the {role} get? give --store for each, or --all-stores")
    return role, args.store


def _described(member: Member) -> str:
    stores = "all stores" if member.stores is None else ", ".join(member.stores) or "no store"
    return f"{member.role}\t{stores}"


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
