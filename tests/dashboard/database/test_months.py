"""The events of PostgreSQL: a table for each month, made when it is needed, and each id once, however old it is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.postgresql.partitions import bounds, month_of
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from tests.dashboard.footfall import event

TUNIS = Store("tunis-01", "Africa/Tunis")
YEAR = 365 * 24 * 3600 * 10**9
TABLES = """
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1
"""


def day(year: int, month: int = 1, date: int = 1) -> int:
    return int(datetime(year, month, date, tzinfo=UTC).timestamp()) * 10**9


@given(st.integers(0, 2**63 - 1))
def test_any_time_is_within_its_month(time: int) -> None:
    month = month_of(time)
    if month is None:
        assert not day(2015) <= time < day(2100)
    else:
        since, until = bounds(*month)
        assert since <= time < until
        assert 28 <= (until - since) / 86400e9 <= 31


def test_months_are_made_for_late_and_for_wrong_clocks_too(postgresql: str) -> None:
    with Database(postgresql) as database:
        database.stores.put(TUNIS)
        times = [day(2026, 11, 28), day(2023, 2, 28), day(2026, 12), day(2026, 12) - 1, 0, 2**63 - 1, day(2015)]
        events = [event(n, time) for n, time in enumerate(times)]
        assert database.events.add(TUNIS.id, events).result(20) == Added(7, 0)
        assert database.events.between(TUNIS.id, 0, 2**63 - 1).times.tolist() == sorted(times)[:-1]
        assert [name for (name,) in database.rows(TABLES)] == [
            "events_2015_01", "events_2023_02", "events_2026_11", "events_2026_12", "events_after", "events_before",
        ]  # fmt: skip
        # Only the months that are asked for are looked at.
        plan = database.rows(
            "EXPLAIN SELECT time FROM events WHERE store = ? AND time >= ? AND time < ?",
            TUNIS.id, day(2023, 2), day(2023, 3),
        )  # fmt: skip
        assert "events_2023_02" in str(plan)
        assert "events_2026_11" not in str(plan)


def test_an_id_is_kept_once_also_with_another_time(postgresql: str) -> None:
    with Database(postgresql) as database:
        database.stores.put(TUNIS)
        assert database.events.add(TUNIS.id, [event(1, day(2026))]).result(20) == Added(1, 0)
        again = [event(1, day(2023)), event(1, day(2026)), event(2, day(2024)), event(2, day(2025))]
        assert database.events.add(TUNIS.id, again).result(20) == Added(1, 3)
        assert database.events.between(TUNIS.id, 0, 2 * day(2026)).times.tolist() == [day(2024), day(2026)]


def test_what_is_deleted_may_come_again(postgresql: str) -> None:
    with Database(postgresql) as database:
        database.stores.put(TUNIS)
        database.events.add(TUNIS.id, [event(n, day(2026) + n) for n in range(10)]).result(20)
        gone = "DELETE FROM events WHERE store = ? AND time < ?"
        assert database.write(lambda db: db.execute(gone, (TUNIS.id, day(2026) + 4)).rowcount).result(20) == 4
        again = [event(n, day(2026) + n) for n in range(10)]
        assert database.events.add(TUNIS.id, again).result(20) == Added(4, 6)


def test_two_programs_that_need_the_same_month_at_once_both_get_it(postgresql: str) -> None:
    with Database(postgresql) as one, Database(postgresql) as other:
        stores = ["tunis-01", "sfax-01"]
        for name in stores:
            one.stores.put(Store(name, "Africa/Tunis"))
        for n in range(8):
            meeting = threading.Barrier(2, timeout=20)
            found: list[Added] = []

            def send(database: Database, store: str, time: int, meeting: threading.Barrier, to: list[Added]) -> None:
                meeting.wait()
                to.append(database.events.add(store, [event(time, time)]).result(30))

            threads = [
                threading.Thread(target=send, args=(database, store, day(2016 + n), meeting, found))
                for database, store in zip((one, other), stores, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert found == [Added(1, 0), Added(1, 0)]


def test_empty_months_go_and_come_again_when_they_are_needed(postgresql: str) -> None:
    with Database(postgresql) as database, Database(postgresql) as other:
        database.stores.put(TUNIS)
        for year in (2022, 2023, 2024):
            other.events.add(TUNIS.id, [event(year, day(year))]).result(20)
        database.write(lambda db: db.execute("DELETE FROM events WHERE time < ?", (day(2024),))).result(20)
        database.tidy(day(2023, 1, 20))
        assert [name for (name,) in database.rows(TABLES)] == [
            "events_2023_01", "events_2024_01", "events_after", "events_before",
        ]  # fmt: skip
        # The other program believes that the month is there.
        assert other.events.add(TUNIS.id, [event(2022, day(2022)), event(2023, day(2023))]).result(20) == Added(2, 0)
        database.tidy(day(2025))
        assert database.events.between(TUNIS.id, 0, day(2025)).times.tolist() == [day(2022), day(2023), day(2024)]


def test_a_month_comes_and_goes_while_events_of_it_come(postgresql: str) -> None:
    with Database(postgresql) as database, Database(postgresql) as other:
        database.stores.put(TUNIS)
        stop = threading.Event()

        def tidy() -> None:
            while not stop.is_set():
                other.tidy(day(2026))

        tidying = threading.Thread(target=tidy)
        tidying.start()
        try:
            for n in range(15):
                assert database.events.add(TUNIS.id, [event(n, day(2020) + n)]).result(30) == Added(1, 0)
                if n % 3 == 2:
                    gone = database.write(lambda db: db.execute("DELETE FROM events").rowcount).result(30)
                    assert gone == 3
        finally:
            stop.set()
            tidying.join()


def test_a_month_that_was_half_dropped_when_a_program_was_killed_is_made_whole(
    postgresql: str,
) -> None:
    with Database(postgresql) as database, Database(postgresql + "?options=-c%20lock_timeout%3D200") as other:
        database.stores.put(TUNIS)
        for n, until in enumerate((None, day(2026))):
            database.events.add(TUNIS.id, [event(n, day(2020) + n)]).result(20)
            database.write(lambda db: db.execute("DELETE FROM events")).result(20)
            with psycopg.connect(postgresql) as reader:  # it stands in the way of the last part
                reader.execute("SELECT count(*) FROM events")
                other.tidy(day(2026))
            half = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending"
            assert database.rows(half) == [(1,)], "it had to give up in the middle"
            if until is not None:
                other.tidy(until)
                assert "events_2020_01" not in str(database.rows(TABLES))
            assert database.events.add(TUNIS.id, [event(9, day(2020))]).result(30) == Added(1, 0)
            assert database.rows(half) == [(0,)]
            database.write(lambda db: db.execute("DELETE FROM events")).result(20)


def test_a_store_without_a_row_takes_no_events(postgresql: str) -> None:
    with Database(postgresql) as database:
        with pytest.raises(DatabaseError, match="there is no store 'nowhere'"):
            database.events.add("nowhere", [event(1, YEAR)]).result(20)
        assert database.rows("SELECT count(*) FROM event_ids") == [(0,)]


def test_a_store_with_events_cannot_be_removed_and_one_that_was_removed_takes_none(postgresql: str) -> None:
    with Database(postgresql) as one, Database(postgresql) as other:
        for n in range(10):
            one.stores.put(TUNIS)
            meeting = threading.Barrier(2, timeout=20)
            removed: list[bool] = []

            def remove(meeting: threading.Barrier, removed: list[bool]) -> None:
                meeting.wait()
                removed.append(other.stores.remove(TUNIS.id))

            removing = threading.Thread(target=remove, args=(meeting, removed))
            removing.start()
            meeting.wait()
            try:
                added = one.events.add(TUNIS.id, [event(n, YEAR)]).result(20)
            except DatabaseError as error:
                assert "there is no store" in str(error)
                added = Added(0, 0)
            removing.join()
            assert (added.accepted, removed) in ((1, [False]), (0, [True]))
            assert one.events.count(TUNIS.id) == added.accepted
            one.write(lambda db: db.execute("DELETE FROM events")).result(20)
