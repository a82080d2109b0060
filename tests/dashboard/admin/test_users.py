"""`metrica-admin user`: as a program, on a database that a dashboard may have open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.users import OWNER, User
from metrica.dashboard.web.passwords import hashed, is_right

COMMAND = [sys.executable, "-c", "import sys; from metrica.dashboard.admin.cli import main; sys.exit(main())", "user"]


def user(*arguments: str, data: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments, "--data", str(data)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60, check=False)


def test_users_are_added_listed_changed_and_removed(tmp_path: Path) -> None:
    assert user("add", "amel", data=tmp_path, typed="her password\n").stdout == "amel can log in\n"
    assert user("add", OWNER, data=tmp_path, typed="his password\n").returncode == 0
    assert user("list", data=tmp_path).stdout == "amel\nowner\n"
    assert user("passwd", "amel", data=tmp_path, typed="another one\n").stdout == "amel has a new password\n"
    with Database(tmp_path / "metrica.db") as database:
        found = database.users.get("amel")
        assert is_right(found, "another one")
        assert found is not None
        assert found.origin == ADMIN
    assert user("remove", "amel", data=tmp_path).stdout == "removed amel\n"
    assert user("remove", OWNER, data=tmp_path).stdout.startswith(
        "removed owner\nnobody can log in now: the next start"
    )
    with Database(tmp_path / "metrica.db") as database:
        assert database.users.all() == []
        actions = [(entry.actor, entry.action, entry.subject) for entry in database.audit.all()]
    assert actions == [
        ("command line", "user added", "amel"),
        ("command line", "user added", OWNER),
        ("command line", "password changed", "amel"),
        ("command line", "user removed", "amel"),
        ("command line", "user removed", OWNER),
    ]


def test_sessions_are_listed_and_ended_while_the_database_is_open(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        database.users.put(User("amel", hashed("her password")))
        known = database.users.get("amel")
        assert known is not None
        session = database.sessions.create("amel", known.password, "203.0.113.77")
        assert session is not None
        (listed,) = database.sessions.of_user("amel")
        shown = user("sessions", "amel", data=tmp_path).stdout
        assert shown.startswith(f"{listed.key}\tsince 20")
        assert shown.endswith("\tfrom 203.0.113.0/24\n")
        assert session not in shown
        ended = user("logout", "amel", data=tmp_path)
        assert ended.stdout == "amel is logged out (1 session ended)\n"
        assert database.sessions.find(session) is None
        assert user("sessions", "amel", data=tmp_path).stdout == ""


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("add", "amel"), "short\n", "the password is too short: use at least 8 characters"),
        (("add", "amel"), "aaaaaaaa\n", "the password is too simple: use at least 4 different characters"),
        (("add", OWNER), "long enough\n", "there is a user 'owner' already: 'user passwd owner' changes the password"),
        (("add", " "), "long enough\n", "' ' cannot name a user: use letters, digits and dashes"),
        *(
            ((action, "amel"), "long enough\n", "there is no user 'amel' (users: owner): 'user add amel' adds one")
            for action in ("passwd", "remove", "sessions", "logout")
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    tmp_path: Path, arguments: tuple[str, ...], typed: str, sentence: str
) -> None:
    with Database(tmp_path / "metrica.db") as database:
        database.users.put(User(OWNER, "hash"))
    ended = user(*arguments, data=tmp_path, typed=typed)
    assert (ended.returncode, ended.stderr) == (1, f"metrica-admin: error: {sentence}\n")
    with Database(tmp_path / "metrica.db") as database:
        assert database.users.all() == [User(OWNER, "hash")]
