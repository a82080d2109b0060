"""Sessions are on the server: what has ended there has ended, whoever still has the cookie."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

import pytest

from metrica.dashboard.database.errors import DatabaseBusyError
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.sessions import IDLE, LONGEST, MOST, NOTED_EVERY
from metrica.dashboard.store.users import User
from tests.dashboard.client import NOON, ManualClock
from tests.dashboard.database.contents import kept
from tests.dashboard.database.places import Place

SECOND, DAY = 10**9, 24 * 3600 * 10**9


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(place: Place, clock: ManualClock) -> Generator[Database]:
    with Database(place, clock=clock) as opened:
        for name in ("amel", "leila"):
            opened.users.put(User(name, f"hash of {name}"))
        yield opened


def begin(database: Database, user: str = "amel") -> str:
    begun = database.sessions.create(user, f"hash of {user}", "203.0.113.77")
    assert begun is not None
    return begun


def settle(database: Database) -> None:
    """Wait for the writes that nobody waits for."""
    database.write(lambda _: None).result()


def test_a_session_is_found_by_its_id_alone_and_only_its_hash_is_kept(database: Database) -> None:
    session = begin(database)
    found = database.sessions.find(session)
    assert found is not None
    assert (found.user, found.created, found.address) == ("amel", NOON, "203.0.113.0/24")
    for other in ("", "x", session[:-1], found.key, "\ud800"):
        assert database.sessions.find(other) is None
    assert session.encode() not in kept(database)


def test_what_logged_out_is_over_and_other_sessions_go_on(database: Database) -> None:
    first, second = begin(database), begin(database)
    database.sessions.end(first, address="203.0.113.77")
    assert database.sessions.find(first) is None
    assert database.sessions.find(second) is not None
    database.sessions.end(first)
    actions = [(entry.action, entry.subject, entry.address) for entry in database.audit.all() if "log" in entry.action]
    assert actions == [("login", "amel", "203.0.113.0/24")] * 2 + [("logout", "amel", "203.0.113.0/24")]


def test_a_session_that_is_used_every_day_ends_at_last_in_any_case(database: Database, clock: ManualClock) -> None:
    session = begin(database)
    for _ in range(LONGEST // DAY):
        clock.now += DAY - SECOND
        assert database.sessions.find(session) is not None
        settle(database)
    clock.now = NOON + LONGEST
    assert database.sessions.find(session) is None


def test_an_idle_session_is_over_and_goes_from_the_table(database: Database, clock: ManualClock) -> None:
    session = begin(database)
    clock.now += IDLE - 1
    assert [s.user for s in database.sessions.of_user("amel")] == ["amel"]
    clock.now += 1
    assert database.sessions.find(session) is None
    assert database.sessions.of_user("amel") == []
    begin(database, "leila")
    assert database.rows('SELECT "user" FROM sessions') == [("leila",)]


def test_a_page_that_asks_every_five_seconds_hardly_writes(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(database)
    settle(database)
    writes: list[object] = []
    write = database.write

    def noted(work: Callable[[Any], object]) -> Future[object]:
        writes.append(work)
        return write(work)

    monkeypatch.setattr(database, "write", noted)
    for _ in range(720):  # an hour
        clock.now += 5 * SECOND
        assert database.sessions.find(session) is not None
    assert len(writes) == 4
    settle(database)
    (listed,) = database.sessions.of_user("amel")
    assert 0 <= clock.now - listed.seen <= NOTED_EVERY


def test_a_database_that_takes_no_writes_keeps_nobody_out(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(database)
    tries: list[int] = []

    def full(_work: object) -> None:
        tries.append(clock.now)
        raise DatabaseBusyError("too many writes are waiting")

    monkeypatch.setattr(database, "write", full)
    for _ in range(400):
        clock.now += 5 * SECOND
        assert database.sessions.find(session) is not None
    assert len(tries) == 2, "and it is not tried at every request"


def test_a_user_has_a_bounded_number_of_sessions(database: Database, clock: ManualClock) -> None:
    other = begin(database, "leila")
    sessions: list[str] = []
    for _ in range(MOST + 5):
        clock.now += SECOND
        sessions.append(begin(database))
    alive = [database.sessions.find(session) is not None for session in sessions]
    assert alive == [False] * 5 + [True] * MOST
    assert database.sessions.find(other) is not None


def test_a_new_password_ends_the_sessions_but_the_one_that_is_kept(database: Database) -> None:
    sessions = [begin(database) for _ in range(3)]
    other = begin(database, "leila")
    database.users.put(User("amel", "new hash"), keep=sessions[1])
    assert [database.sessions.find(session) is not None for session in sessions] == [False, True, False]
    assert database.sessions.find(other) is not None
    assert database.audit.all()[-1].detail == {"sessions_ended": 2}


def test_a_login_that_was_under_way_when_the_password_changed_is_none(database: Database) -> None:
    assert database.sessions.create("amel", "the hash before") is None
    database.users.remove("leila")
    assert database.sessions.create("leila", "hash of leila") is None


def test_removing_a_user_or_ending_all_ends_the_sessions(database: Database) -> None:
    first, second = begin(database), begin(database, "leila")
    assert database.sessions.end_all("amel") == 1
    database.users.remove("leila")
    assert database.sessions.find(first) is database.sessions.find(second) is None


@pytest.mark.parametrize("back", [3600 * SECOND, 40 * DAY])
def test_a_clock_that_was_wrong_makes_no_session_that_lasts_for_years(
    database: Database, clock: ManualClock, back: int
) -> None:
    session = begin(database)
    clock.now -= back
    assert (database.sessions.find(session) is not None) == (back < DAY)
