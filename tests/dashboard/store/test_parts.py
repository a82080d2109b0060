"""A large write goes in parts, and holds up nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.database import writer
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.store import coverage
from metrica.dashboard.store.coverage import joined
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from metrica.dashboard.store.records import Event, Span
from tests.dashboard.client import NOON, STORE
from tests.dashboard.database.places import Place
from tests.dashboard.database.sqlite import engine, sqlite
from tests.dashboard.footfall import event


def test_others_have_their_turn_between_two_parts(place: Place) -> None:
    order: list[str] = []
    with Database(place) as database:
        go_on = threading.Event()

        def parts() -> Iterator[Callable[[Connection], None]]:
            yield lambda _: (go_on.wait(20), order.append("first"))[1]
            yield lambda _: order.append("second")

        whole = database.write_parts(parts(), len)
        other = database.write(lambda _: order.append("another's"))
        go_on.set()
        assert whole.result(20) == 2
        other.result(20)
    assert order == ["first", "another's", "second"]


def test_a_part_that_fails_ends_the_whole_and_says_why(place: Place) -> None:
    with Database(place) as database:
        database.stores.put(STORE)
        asked: list[int] = []

        def fail(_: Connection) -> None:
            raise KeyError("in the middle")

        def parts() -> Iterator[Callable[[Connection], None]]:
            for n in range(3):
                asked.append(n)
                yield fail if n == 1 else lambda _: None

        with pytest.raises(KeyError, match="in the middle"):
            database.write_parts(parts(), len).result(20)
        assert asked == [0, 1]

        def broken() -> Iterator[Callable[[Connection], None]]:
            yield lambda _: None
            raise ValueError("the list of parts is broken")

        with pytest.raises(ValueError, match="the list of parts is broken"):
            database.write_parts(broken(), len).result(20)
        assert database.events.add(STORE.id, [event(1, NOON)]).result(20) == Added(1, 0), "the writer goes on"


def test_a_database_that_is_closed_meanwhile_is_an_error_and_no_wait_for_ever(place: Place) -> None:
    database = Database(place)
    begun, go_on = threading.Event(), threading.Event()

    def parts() -> Iterator[Callable[[Connection], object]]:
        yield lambda _: (begun.set(), go_on.wait(20))
        yield lambda _: None

    whole = database.write_parts(parts(), len)
    assert begun.wait(20)
    closing = threading.Thread(target=database.close)
    closing.start()
    while True:  # until it has begun to close
        try:
            database.write(lambda _: None)
        except DatabaseError:
            break
    go_on.set()
    with pytest.raises(DatabaseError, match="is closed"):
        whole.result(20)
    closing.join()


def test_a_batch_of_5000_is_many_short_writes_and_counts_as_one(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        database.stores.put(STORE)
        events = [event(n, NOON - n) for n in range(5000)]
        assert database.events.add(STORE.id, events[:1234]).result(60) == Added(1234, 0)
        held: list[int] = []
        behind = engine(database)._writer  # pyright: ignore[reportPrivateUsage]
        submit = behind.submit

        def counting(work: Callable[[Connection], object]) -> object:
            def counted(db: Connection) -> object:
                before = sqlite(db).total_changes
                result = work(db)
                held.append(sqlite(db).total_changes - before)
                return result

            return submit(counted)

        behind.submit = counting  # type: ignore[method-assign, assignment]  # pyright: ignore[reportAttributeAccessIssue]
        assert database.events.add(STORE.id, events).result(60) == Added(5000 - 1234, 1234)
        assert database.events.add(STORE.id, []).result(60) == Added(0, 0)
        assert len(held) == 11
        assert max(held) <= 500 + 40  # and the sums; what is new in a part with duplicates is inserted twice


def test_a_transaction_takes_no_further_job_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_LONGEST", 0.02)
    with Database(tmp_path / "metrica.db") as database:
        hold = threading.Event()
        database.write(lambda _: hold.wait(20))
        committed: list[int] = []

        def slow(db: Connection) -> int:
            db.execute("CREATE TABLE IF NOT EXISTS slow (x)")
            deadline = time.monotonic() + 0.03
            while time.monotonic() < deadline:
                db.execute("INSERT INTO slow VALUES (1)")
            return len(committed)

        jobs = [database.write(slow) for _ in range(5)]
        for job in jobs:
            job.add_done_callback(lambda _: committed.append(1))
        hold.set()
        assert [job.result(20) for job in jobs] == [0, 1, 2, 3, 4], "each is on the disk before the next begins"


def test_what_is_sent_is_made_into_rows_in_the_writers_thread_and_not_in_a_servers_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()

    class Seen(Event):
        def __getattribute__(self, name: str) -> Any:
            if name == "camera":
                threads.add(threading.current_thread().name)
            return super().__getattribute__(name)

    def seen(spans: Iterable[Span]) -> list[Span]:
        threads.add(threading.current_thread().name)
        return joined(spans)

    monkeypatch.setattr(coverage, "joined", seen)
    made = Seen.model_validate(event(1, 1).model_dump())
    with Database(tmp_path / "metrica.db") as database:
        database.stores.put(STORE)
        threads.clear()
        assert database.events.add("tunis-01", [made]).result().accepted == 1
        database.coverage.add("tunis-01", [Span(camera="door", start=1, end=2)]).result()
        assert database.coverage.since("tunis-01", 0) == {"door": [(1, 2)]}
    assert threads == {"metrica-store-writer"}
