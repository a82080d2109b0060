"""No request makes the database look through all stores, users, sessions or tokens, however many there are.

What SQLite plans to do does not depend on how many rows there are, so a few are enough.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.ingest.app import ROUTES
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.rights import Role
from metrica.dashboard.store.users import User
from metrica.dashboard.web.passwords import log_in as user_with
from tests.dashboard.people.nobody_elses import Names, asked_of, updated, visited
from tests.dashboard.people.world import MINE, World, world
from tests.dashboard.web.browser import PASSWORD, log_in

_LITERAL = re.compile(r"'[^']*'|\b\d+\b")
_SCAN = re.compile(r"SCAN (\w+)( USING (COVERING )?INDEX (\w+))?$")
_ONE_ROW = {"data_version"}
"""Tables that have one row."""
_FEW_ROWS = {"users_with_old_hashes"}
"""Indexes that have nothing but what is looked for."""
_FIRST_ROW = {"SELECT ? FROM stores LIMIT ?"}
"""Statements that end at the first row: whether the database answers."""


class Statements:
    """What every connection to SQLite is told from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._connect, self._told = sqlite3.connect, dict[str, str]()
        monkeypatch.setattr(sqlite3, "connect", self._connected)

    def forget(self) -> None:
        """Begin anew."""
        self._told.clear()

    def scans(self, path: Path) -> Iterator[tuple[str, str]]:
        """Give each statement that looks through a table or an index from end to end, and what it looks through."""
        with closing(self._connect(path)) as conn:
            for shape, sql in self._told.copy().items():
                if not sql.startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")) or shape in _FIRST_ROW:
                    continue
                for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}"):
                    found = _SCAN.match(row[3])
                    if found and found[1] not in _ONE_ROW and found[4] not in _FEW_ROWS and found[1] != "CONSTANT":
                        yield shape, row[3]

    def _connected(self, *values: Any, **more: Any) -> sqlite3.Connection:
        conn: sqlite3.Connection = self._connect(*values, **more)
        conn.set_trace_callback(lambda sql: self._told.setdefault(_LITERAL.sub("?", sql), sql))
        return conn

    def __len__(self) -> int:
        return len(self._told)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    return Statements(monkeypatch)


def use_everything(made: World) -> None:
    """Ask every endpoint, open every page and send every form as an owner; endpoints also as a box."""
    owner = made.browsers[Role.OWNER]
    for callback in owner.get("/_dash-dependencies").get_json():
        if not callback["clientside_function"]:
            updated(owner, callback, MINE)
    for rule in made.web.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            if rule.rule.startswith(("/_dash", "/assets")):
                continue
            if owner.get("/session").status_code != 200:
                assert log_in(owner, name=Role.OWNER).status_code == 302
            visited(made, owner, method, rule.rule, Names(MINE, Role.OWNER, ""))
    key = ApiTokenTable(made.database).of_user(Role.VIEWER)[0].key
    for who in (Role.OWNER, "box"):
        for route in ROUTES:
            asked_of(made.clients[who], route, Names(MINE, Role.MANAGER, key, "1", "box-1"), {})
            asked_of(made.clients[who], route, Names(MINE, Role.VIEWER, key, "1", "box-1"), {}, others=False)


def test_no_request_looks_through_all_stores_users_sessions_or_tokens(tmp_path: Path, statements: Statements) -> None:
    with world(tmp_path) as made:
        statements.forget()
        use_everything(made)
        assert len(statements) > 100
        assert list(statements.scans(made.database.path)) == []


def test_a_login_knows_whether_somebody_has_an_old_hash(tmp_path: Path, statements: Statements) -> None:
    with world(tmp_path) as made:
        users = made.database.users
        assert not users.have_old_hash()
        users.put(User("old", "scrypt:32768:8:1$salt$hash"))
        assert users.have_old_hash()
        statements.forget()
        user = user_with(made.database, Role.OWNER, PASSWORD)
        assert user is not None and user.name == Role.OWNER
        assert list(statements.scans(made.database.path)) == []
        users.remove("old")
        assert not users.have_old_hash()
