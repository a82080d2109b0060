"""No endpoint, page, callback or export tells of another organisation or changes anything of it; see nobody_elses.py.

The property holds as the code is, and it fails when any of the checks is taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.ingest import asking as of_endpoints
from metrica.dashboard.ingest.app import ROUTES
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people import members
from metrica.dashboard.people.access import Access
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.asker import Asker
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.people.members import Member, MemberTable
from metrica.dashboard.people.rights import FIGURES, RIGHTS, Role
from metrica.dashboard.web import callbacks, empty_marks
from tests.dashboard.people.nobody_elses import check_callbacks, check_endpoints, check_pages, updated
from tests.dashboard.people.world import MINE, ROLES, THEIR_USER, World, world


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    with world(tmp_path_factory.mktemp("both")) as made:
        yield made


@pytest.fixture
def both(tmp_path: Path) -> Generator[World]:
    with world(tmp_path) as made:
        yield made


def test_no_endpoint_gives_or_changes_what_is_anothers(shared: World) -> None:
    assert check_endpoints(shared) >= 2 * len(ROUTES) * len(shared.clients)


def test_no_page_gives_or_changes_what_is_anothers(shared: World) -> None:
    assert check_pages(shared) > 2 * 10 * len(ROLES)


def test_no_callback_gives_what_is_anothers(shared: World) -> None:
    assert check_callbacks(shared) >= 2 * 2 * len(ROLES)


def test_the_same_questions_about_ones_own_store_are_answered(shared: World) -> None:
    """Otherwise the tests above would also pass where everybody is refused everything."""
    for who, client in shared.clients.items():
        role = Role(who)
        for route in ROUTES:
            if route.method == "GET" and route.path.count("{") == route.path.count("{store}") == 1:
                rights = RIGHTS[role]
                status = client.get(route.path.replace("{store}", MINE)).status
                if route.needs == "any" or route.needs in rights:
                    # Some want FIGURES too.
                    assert status == 200 or (status == 403 and FIGURES not in rights), f"{who} {route.path}"
                else:
                    assert status == 403, f"{who} {route.path}"
    for who, browser in shared.browsers.items():
        for callback in browser.get("/_dash-dependencies").get_json():
            if not callback["clientside_function"]:
                seen = '"children":"5"' in updated(browser, callback, MINE).replace(" ", "")
                assert seen == (FIGURES in RIGHTS[Role(who)]), f"{who} {callback['output']}"


def _any_store(self: Access, asker: Asker, store: str, right: Any = None) -> Store:
    rows = self._file.rows("SELECT id, timezone FROM stores WHERE id = ?", store)  # pyright: ignore[reportPrivateUsage]
    if not rows:
        raise UnknownError(f"there is no store {store!r}")
    return Store(*rows[0])


def _all_stores(self: Access, asker: Asker, right: Any = None, **_: str) -> list[Store]:
    return [Store(*row) for row in self._file.rows("SELECT id, timezone FROM stores")]  # pyright: ignore[reportPrivateUsage]


def _all_members(self: MemberTable, organisation: str) -> list[Member]:
    rows = self._file.rows("SELECT name, organisation, role, created FROM users")  # pyright: ignore[reportPrivateUsage]
    return [Member(name, of, Role(role), None, created) for name, of, role, created in rows]


def _any_member(db: Any, organisation: str, name: str) -> Member:
    row = db.execute("SELECT organisation, role, created FROM users WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise UnknownError(f"there is no user {name!r}")
    return Member(name, row[0], Role(row[1]), None, row[2])


def _all_tokens(self: ApiTokenTable, asker: Asker) -> Any:
    return self.of_user(THEIR_USER)


def _any_token(self: ApiTokenTable, users: Any, key: str, **how: Any) -> Any:
    return revoke(self, [THEIR_USER, *users], key, **how)


def _no_guard(database: Any, name: object, *rights: Any) -> Store | None:
    return database.stores.get(name) if isinstance(name, str) else None


revoke = ApiTokenTable.revoke

REMOVED: list[tuple[Any, str, Any, Callable[[World], int]]] = [
    (Access, "store", _any_store, check_endpoints),
    (Access, "store", _any_store, check_callbacks),
    (Access, "store", _any_store, check_pages),
    (Access, "stores", _all_stores, check_endpoints),
    (Access, "stores", _all_stores, check_pages),
    (MemberTable, "all", _all_members, check_endpoints),
    (members, "_read", _any_member, check_endpoints),
    (ApiTokenTable, "of_asker", _all_tokens, check_endpoints),
    (ApiTokenTable, "revoke", _any_token, check_endpoints),
    (callbacks, "store_of", _no_guard, check_callbacks),
    (empty_marks, "store_of", _no_guard, check_pages),
    (of_endpoints, "_require_own", lambda asker, store: None, check_endpoints),
]


@pytest.mark.parametrize(
    ("where", "name", "without", "check"),
    REMOVED,
    ids=[f"{where.__name__.rpartition('.')[2]}.{name} {check.__name__}" for where, name, _, check in REMOVED],
)
def test_it_fails_when_a_check_is_taken_away(
    both: World, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, without: Any, check: Callable[[World], int]
) -> None:
    monkeypatch.setattr(where, name, without)
    with pytest.raises(AssertionError):
        check(both)
