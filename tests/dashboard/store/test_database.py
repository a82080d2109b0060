"""The database keeps every event once, and says clearly when it cannot."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from metrica.dashboard.store.users import User
from tests.dashboard.database.contents import kept
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event

TUNIS = Store("tunis-01", "Africa/Tunis")


@pytest.fixture
def database(place: Place) -> Generator[Database]:
    with Database(place) as opened:
        opened.stores.put(TUNIS)
        yield opened


def test_the_same_event_twice_is_kept_once(database: Database) -> None:
    batch = [event(1, 10), event(2, 20, "out"), event(1, 10)]
    assert database.events.add("tunis-01", batch).result() == Added(accepted=2, duplicates=1)
    assert database.events.add("tunis-01", batch).result() == Added(accepted=0, duplicates=3)
    assert database.events.between("tunis-01", 0, 100).times.tolist() == [10, 20]


def test_two_stores_may_use_the_same_event_id(database: Database) -> None:
    database.stores.put(Store("sfax-01", "Africa/Tunis"))
    for name in ("tunis-01", "sfax-01"):
        assert database.events.add(name, [event(1, 10)]).result().accepted == 1


def test_an_event_of_an_unknown_store_is_an_error_and_takes_no_other_write_along(database: Database) -> None:
    bad = database.events.add("nowhere", [event(1, 10)])
    good = database.events.add("tunis-01", [event(1, 10)])
    with pytest.raises(DatabaseError):
        bad.result()
    assert good.result() == Added(1, 0)


def test_events_come_back_in_order_of_time_however_they_arrived(database: Database) -> None:
    database.events.add("tunis-01", [event(3, 30), event(1, 10, "out"), event(2, 10)]).result()
    events = database.events.between("tunis-01", 0, 31)
    assert events.times.tolist() == [10, 10, 30]
    assert events.signs.tolist() == [1, -1, 1]
    assert database.events.between("tunis-01", 10, 30).times.tolist() == [10, 10]


def test_a_token_is_kept_only_as_its_hash_and_can_be_revoked(database: Database) -> None:
    token = database.tokens.create("tunis-01", "the box")
    assert database.tokens.store_of(token) == "tunis-01"
    assert database.tokens.store_of(token[:-1]) is None
    assert token.encode() not in kept(database)
    (listed,) = database.tokens.of_store("tunis-01")
    assert (listed.label, listed.revoked) == ("the box", None)
    assert not database.tokens.revoke("tunis-01", "000000000000")
    assert not database.tokens.revoke("tunis-01", "")
    assert database.tokens.revoke("tunis-01", listed.key)
    assert database.tokens.store_of(token) is None


def test_a_token_for_an_unknown_store_is_refused(database: Database) -> None:
    with pytest.raises(DatabaseError, match="no store 'x'"):
        database.tokens.create("x")


def test_changing_a_store_or_a_user_replaces_it(database: Database) -> None:
    database.stores.put(Store("tunis-01", "Asia/Riyadh", 6))
    assert database.stores.all() == [Store("tunis-01", "Asia/Riyadh", 6)]
    for password in ("one", "two"):
        database.users.put(User("owner", password))
    assert database.users.all() == [User("owner", "two")]
    assert database.users.get("nobody") is None


@pytest.mark.parametrize(
    ("name", "zone", "cutoff", "words"),
    [
        ("", "UTC", 0, "cannot name a store"),
        ("a/b", "UTC", 0, "cannot name a store"),
        ("a", "Africa/Tuniss", 0, "no time zone 'Africa/Tuniss'"),
        ("a", "", 0, "no time zone"),
        ("a", "../etc/passwd", 0, "no time zone"),
        ("a", "UTC", 24, "give an hour from 0 to 23"),
    ],
)
def test_a_store_that_cannot_be_is_refused(name: str, zone: str, cutoff: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Store(name, zone, cutoff)


def test_a_read_connection_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseError), database.snapshot() as conn:
        conn.execute("DELETE FROM stores")
    assert database.stores.all() == [TUNIS]
