"""The audit log: what is written stays as it was, without secrets or whole addresses, and old entries go."""

from __future__ import annotations

import ipaddress
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store import audit
from metrica.dashboard.store.audit import KEEP, MANY, anonymised, record
from metrica.dashboard.store.database import Database
from tests.dashboard.client import NOON, ManualClock
from tests.dashboard.database.places import Place


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(place: Place, clock: ManualClock) -> Generator[Database]:
    with Database(place, clock=clock) as opened:
        yield opened


def test_an_entry_comes_back_as_it_was_written(database: Database) -> None:
    database.audit.add("leila", "token revoked", "tunis-01", address="203.0.113.77", key="ab12", n=2).result()
    (entry,) = database.audit.all()
    assert (entry.time, entry.actor, entry.action, entry.subject) == (NOON, "leila", "token revoked", "tunis-01")
    assert (entry.address, entry.detail) == ("203.0.113.0/24", {"key": "ab12", "n": 2})


def test_entries_are_in_order_and_can_be_asked_for_from_a_time_on(database: Database, clock: ManualClock) -> None:
    for n in range(5):
        database.audit.add("a", "thing done", str(n)).result()
        clock.now += 10
    assert [e.subject for e in database.audit.all(2)] == ["3", "4"], "the newest, the oldest of them first"
    assert [e.subject for e in database.audit.since(NOON + 20, 2)] == ["2", "3"]


def test_old_entries_go_a_few_at_a_time_also_when_nothing_happens(database: Database, clock: ManualClock) -> None:
    for n in range(MANY + 5):
        database.audit.add("a", "thing done", str(n)).result()
    clock.now += KEEP
    database.audit.add("a", "thing done", "last day").result()
    assert len(database.audit.all()) == MANY + 6
    clock.now += 1
    database.audit.add("a", "thing done", "new").result()
    assert [e.subject for e in database.audit.all()] == [*map(str, range(MANY, MANY + 5)), "last day", "new"]
    database.audit.forget_old().result()
    assert [e.subject for e in database.audit.all()] == ["last day", "new"]


def test_the_log_has_a_most_number_of_entries(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST", 10)
    for n in range(25):
        database.audit.add("a", "thing done", str(n)).result()
    assert [e.subject for e in database.audit.all()] == [str(n) for n in range(15, 25)]


def test_a_change_that_failed_has_no_entry(database: Database) -> None:
    def work(db: object) -> None:
        record(db, NOON, "a", "store added", "x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        raise DatabaseError("no")

    with pytest.raises(DatabaseError):
        database.write(work).result()
    assert database.audit.all() == []
    database.stores.put(Store("tunis-01", "Africa/Tunis"))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1234:5678:9abc:def0:1234:5678", "2001:db8:1234::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("proxy.example", ""),
    ],
)
def test_only_the_network_of_an_address_is_kept(address: str, network: str) -> None:
    assert anonymised(address) == network


@given(st.ip_addresses(), st.integers(0, 255))
def test_neighbours_in_a_network_cannot_be_told_apart(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, last: int
) -> None:
    neighbour = type(address)((int(address) & ~0xFF) | last)
    assert anonymised(str(address)) == anonymised(str(neighbour))


@pytest.mark.parametrize("text", ["a\nb", "\ud800", "\x00", "ع" * 5000, "x" * 100_000])
def test_anything_that_somebody_types_can_be_written(database: Database, text: str) -> None:
    database.audit.add(text, text, text, text=text).result()
    (entry,) = database.audit.all()
    assert len(entry.actor) <= 200
    assert "\n" not in entry.actor
